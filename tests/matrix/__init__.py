"""scikit-learn's tools x carriers of X x modes, as they are and as docs/carriers.md tells."""
