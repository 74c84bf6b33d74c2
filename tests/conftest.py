import os

# scikit-learn's array API checks skip without it; scipy reads it when it is imported.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
