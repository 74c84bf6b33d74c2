"""Networks as the kernels know them: tables of nodes, sources and parameters, made from lists of nodes."""
from collections import namedtuple

from libc.string cimport memcpy, memset

from kernels cimport (
    CONSTANTS, EMBEDDING, FROM_0_TO_1, GLOROT, MAX_AXES, MAX_BLOCKS, MAX_DIRECTIONS, MAX_NODES, MAX_NORM_ARRAYS, MAX_OWN,
    MAX_SHIFT, MAX_SOURCES, MAX_STATES, MAX_TAILS, ORTHOGONAL, PLAN_MADE, PLAN_WITHOUT_ORDER, ROWS_OF_SOURCE, ROW_PER_SEQUENCE,
    ZEROS, isize, rnn_axis, rnn_carried, rnn_cell, rnn_kernels, rnn_kernels_of, rnn_kind_info, rnn_network, rnn_node, rnn_option,
    rnn_packing,
    rnn_plan_result, rnn_source, rnn_tensor, rnn_wish
)

# An array of parameters: its place in the flat vector, `n_groups` (gates) that are initialised one by one, how (`initial`), and
# the initial value of each group where that is "constants"; then the index of its node, its name without that of the node, and
# what each gate of that node does to the state (see CellInfo).
Tensor = namedtuple("Tensor", "name offset shape n_groups initial constants decays node stem memory")

MOST_STEPS_BACK = MAX_SHIFT      # at which a node reads a source
MOST_NODES = MAX_NODES - 2       # X is one too, and so may be the data of the second axis
MOST_SOURCES = MAX_SOURCES       # of a node
MOST_TAILS = MAX_TAILS           # of a head
cdef tuple DIRECTIONS = ("forward", "reverse", "both")
cdef str INITIAL = "initial"     # the stem of what a node reads as its initial states
# Features, units and outputs stay below this, so that their products with a few gates cannot overflow before they are checked.
cdef isize LARGEST = 1 << 31


# Tables of the networks that engines were made for, by the identity of their nodes: to read nodes takes longer than to copy
# tables.
cdef dict described_tables = {}
cdef isize MOST_DESCRIBED = 64


cdef NodeTables tables_of(n_features, nodes, window, n_target_features):
    """New tables of a network; the nodes of the same tuple are read only once."""
    cdef NodeTables tables = NodeTables(n_features, nodes, window, n_target_features)
    if isinstance(nodes, tuple) and id(nodes) not in described_tables:
        if len(described_tables) >= MOST_DESCRIBED:
            described_tables.clear()
        described_tables[id(nodes)] = NodeTables(n_features, nodes, window, n_target_features)
    return tables


cdef class NodeTables:
    """The tables of a network, in memory of NumPy, and the `rnn_network` that points to them.

    Parameters
    ----------
    n_features : int
    nodes : sequence of Node
        See `sklearn_rnn._model.network`. Node i reads the nodes that its sources name; -1 are the data, -2 those of the second
        axis.
    window : int
        Steps of the data that the nodes read side by side.
    n_target_features : int
        Columns of the data of the second axis.
    """
    cdef rnn_network network
    cdef readonly tuple nodes
    cdef object memory
    cdef list columns                       # of each axis
    cdef isize n_bytes_described

    def __cinit__(self, n_features, nodes, window=1, n_target_features=0):
        cdef rnn_network *network = &self.network
        cdef NodeTables described = described_tables.get(id(nodes))
        cdef int a
        if (described is not None and described.nodes is nodes and described.network.axis[0].n_features == n_features
                and described.network.axis[0].window == window and described.network.axis[1].n_features == n_target_features):
            self.nodes = nodes
            self.allocate(n_features, window, described.network.n_sources, n_target_features)
            memcpy(network.node, described.network.node, self.n_bytes_described)
            self.columns = described.columns
            for a in range(MAX_AXES):
                network.axis[a].column = described.network.axis[a].column
            return
        self.nodes = tuple(nodes)
        if not 1 <= n_features < LARGEST:
            raise ValueError(f"`n_features` must be 1 to {LARGEST - 1}, got {n_features}.")
        if not 1 <= window < LARGEST or n_features * window >= LARGEST:
            raise ValueError(f"`window` must be at least 1, and times `n_features` at most {LARGEST - 1}, got {window}.")
        if not 1 <= len(self.nodes) <= MOST_NODES:
            raise ValueError(f"`nodes` must hold 1 to {MOST_NODES} nodes, got {len(self.nodes)}: take fewer layers.")
        sources = [tuple(node.sources) for node in self.nodes]
        self.check_axes(n_target_features)
        self.allocate(n_features, window, sum(map(len, sources)), n_target_features)
        network.node[0].n_directions = 1
        if network.n_axes > 1:
            network.node[network.axis[1].data].n_directions = network.node[network.axis[1].data].axis = 1
        first = 0
        for number, (node, read) in enumerate(zip(self.nodes, sources), start=1):
            self.add_node(number, node, read, first)
            first += len(read)
        self.columns = []
        for a in range(network.n_axes):
            n_codes = self.set_columns(a)
            if n_codes and network.axis[a].window > 1:
                raise ValueError(f"`window` must be 1 in a network that reads codes in its data, got {window}.")
            network.node[network.axis[a].data].units = (network.axis[a].n_features - n_codes) * network.axis[a].window
        self.check_unknown_codes()
        if sum(self.info_of(number).is_output for number in self.numbers()) > 1:
            raise ValueError("A network must not have more than one head.")
        self.check_names()
        for number in self.numbers():
            self.check_sources(number)
        for number in self.numbers():
            self.check_streams(number)
            self.check_target_axis(number)
            self.check_beginning(number)
            if self.info_of(number).reads_memory:
                self.check_memory(number)
        self.check_tails()
        self.check_tied()

    cdef object numbers(self):
        """The numbers of the nodes that were listed."""
        return range(1, len(self.nodes) + 1)

    cdef int number_of_head(self) except -1:
        """The number of the head, behind which there may be nodes of another result; without one, that of the last node."""
        return next((i for i in self.numbers() if self.info_of(i).is_output), len(self.nodes))

    cdef int check_axes(self, n_target_features) except -1:
        """Refuse axes that there are not, and data of the second one that no node could read."""
        for node in self.nodes:
            if node.axis not in range(MAX_AXES):
                raise ValueError(f"`axis` of node {node.name!r} must be 0 or 1, got {node.axis!r}.")
        has_target = any(node.axis for node in self.nodes)
        if not 0 <= n_target_features < LARGEST or (n_target_features and not has_target):
            raise ValueError(f"`n_target_features` must be 0 to {LARGEST - 1}, and 0 in a network without nodes of axis 1, got "
                             f"{n_target_features}.")
        return 0

    cdef allocate(self, n_features, window, n_sources, n_target_features):
        """Take memory for all tables; that of nodes and sources is zero."""
        cdef rnn_network *network = &self.network
        cdef rnn_axis *axis = network.axis
        cdef isize n_tensors, n_packings
        network.n_axes = 1 + any(node.axis for node in self.nodes)
        network.n_nodes = len(self.nodes) + network.n_axes
        axis[0].data, axis[0].n_features, axis[0].window, axis[0].stride = 0, n_features, window, 1
        axis[1].data, axis[1].n_features, axis[1].window, axis[1].stride = network.n_nodes - 1, n_target_features, 1, 1
        network.n_sources = n_sources
        network.result = len(self.nodes)
        n_tensors = network.n_nodes * MAX_DIRECTIONS * (len(STEMS) + 3 + MAX_OWN + MAX_STATES + MAX_NORM_ARRAYS)
        n_packings = MAX_DIRECTIONS * ((MAX_BLOCKS + 1) * (network.n_sources + network.n_nodes)
                                       + network.n_nodes * (1 + MAX_OWN + MAX_STATES + MAX_NORM_ARRAYS))
        self.n_bytes_described = network.n_nodes * sizeof(rnn_node) + network.n_sources * sizeof(rnn_source)
        self.memory = aligned_empty(self.n_bytes_described + n_tensors * sizeof(rnn_tensor) + n_packings * sizeof(rnn_packing),
                                    np.uint8)
        network.node = <rnn_node *>cnp.PyArray_DATA(self.memory)
        network.source = <rnn_source *>(network.node + network.n_nodes)
        network.tensor = <rnn_tensor *>(network.source + network.n_sources)
        network.packing = <rnn_packing *>(network.tensor + n_tensors)
        memset(network.node, 0, self.n_bytes_described)

    cdef isize set_columns(self, int a) except -1:
        """Leave the columns of an axis that hold codes to those who read them; returns their number."""
        cdef rnn_axis *axis = &self.network.axis[a]
        codes = {int(self.network.node[i].option[0]) for i in self.numbers()
                 if self.info_of(i).reads_codes and self.network.node[i].axis == a}
        if codes and max(codes) >= axis.n_features:
            raise ValueError(f"A column of codes must be from 0 to {axis.n_features - 1}, got {max(codes)}.")
        self.columns.append(np.setdiff1d(np.arange(axis.n_features, dtype=np.intp), sorted(codes)) if codes else None)
        if codes:
            axis.column = <isize *>cnp.PyArray_DATA(self.columns[a])
        return len(codes)

    cdef int check_unknown_codes(self) except -1:
        """Refuse rows of unknown codes that a table does not have."""
        cdef int i
        for i in self.numbers():
            options = dict(self.nodes[i - 1].options)
            if self.info_of(i).reads_codes and options.get("unknown", 0) >= options.get("rows", 1):
                raise ValueError(f"`embed.unknown` must be below `rows`={options.get('rows', 1)}, got {options['unknown']}.")
        return 0

    cdef int check_tails(self) except -1:
        """Refuse tails that cannot be those of the head."""
        cdef int i, head = self.number_of_head()
        tails = [i for i in self.numbers() if self.info_of(i).is_tail]
        if not tails:
            return 0
        if len(tails) > MAX_TAILS:
            raise ValueError(f"A head may have up to {MAX_TAILS} tails, got {len(tails)}.")
        if self.info_of(head).of_sequences:
            raise ValueError(f"A head of kind {self.nodes[head - 1].kind!r} must not have tails.")
        if not self.info_of(head).is_output or self.network.node[head].units <= len(tails):
            raise ValueError(f"The last node must be a head with one output for each of {len(tails)} tails, and at least one "
                             "more.")
        if any(self.is_once(i) != self.is_once(head) or self.network.node[i].axis != self.network.node[head].axis for i in tails):
            raise ValueError("A head and its tails must be on one axis, and all have a row per step, or all a row per sequence.")
        if any(self.network.source[i].node == head for i in range(self.network.n_sources)):
            raise ValueError("A head that has tails must not be read by other nodes.")
        return 0

    cdef int check_tied(self) except -1:
        """Refuse embeddings that cannot read the weights of the head."""
        cdef rnn_node *head = &self.network.node[self.number_of_head()]
        cdef rnn_source *source
        cdef int i
        embeddings = [(node, dict(node.options)) for node in self.nodes if node.kind == "embed"]
        for node, options in embeddings:
            if options.get("first_row") and not options.get("tied"):
                raise ValueError(f"`embed.first_row` of node {node.name!r} must be 0, because it is not tied.")
        tied = [(node, options) for node, options in embeddings if options.get("tied")]
        if not tied:
            return 0
        if any(node.kind == "tail" for node in self.nodes):
            raise ValueError("An embedding must not be tied to a head with tails, which has no row for most classes.")
        if len(tied) > 1 or not self.info_of(self.number_of_head()).is_output:
            raise ValueError(f"One embedding may be tied to a head, which is the last node; got {len(tied)}.")
        n_columns = 0
        for i in range(head.n_sources):
            source = &self.network.source[head.first_source + i]
            if source.stem == 0:
                parts, units, _ = self.columns_of(source.node)
                n_columns += parts * units
        node, options = tied[0]
        if node.units != n_columns:
            raise ValueError(f"Node {node.name!r} is tied to the weights of the head and must have as many units as these have "
                             f"columns, {n_columns}, got {node.units}: let the head read a dense node of {node.units} units.")
        n_rows = int(options.get("first_row", 0) + options.get("rows", 1))
        if n_rows > head.units:
            raise ValueError(f"Node {node.name!r} is tied to the {head.units} rows of the head's weights, but reads {n_rows}.")
        return 0

    cdef int add_node(self, int number, node, tuple sources, int first_source) except -1:
        cdef rnn_node *to = &self.network.node[number]
        cdef const rnn_kind_info *info
        cdef rnn_source *source
        cdef int i
        to.kind = 1 + index_of(KINDS, node.kind, "kind")
        info = self.info_of(number)
        to.n_directions, to.axis = 1, node.axis
        to.n_beginnings = sum(s.weight == INITIAL for s in sources)
        to.first_source, to.n_sources = first_source, len(sources) - to.n_beginnings
        if to.n_beginnings:     # behind the others
            sources = tuple(sorted(sources, key=lambda s: s.weight == INITIAL))
        if info.reads_codes and sources:
            raise ValueError(f"Node {node.name!r} reads a column of X and must have no sources, got {len(sources)}.")
        if not info.reads_codes and not 1 <= to.n_sources <= MAX_SOURCES:
            raise ValueError(f"A node must have 1 to {MAX_SOURCES} sources, got {to.n_sources}: take a smaller `kernel_size` of "
                             "a Conv1D, fewer `categorical_features`, or fewer layers with connections='skip'.")
        if info.has_units:
            if not 1 <= node.units < LARGEST:
                raise ValueError(f"`units` must be 1 to {LARGEST - 1}, got {node.units}.")
            to.units = node.units
        if info.has_cell:
            to.cell = index_of(CELLS, node.cell, "cell")
        if info.has_directions:
            directions = index_of(DIRECTIONS, node.directions, "directions")
            if directions == 2 and info.one_direction:
                raise ValueError(f"`directions` of {node.kind} must be one of {DIRECTIONS[:2]}, got {node.directions!r}.")
            to.n_directions = 2 if directions == 2 else 1
            to.direction[0].reverse = directions == 1
            to.direction[1].reverse = True
        of_kind, of_cell = KINDS[node.kind], CELLS[node.cell].options if info.has_cell else {}
        given, owner = dict(node.options), node.cell or node.kind
        if unknown := given.keys() - of_kind.keys() - of_cell.keys():
            raise ValueError(f"`options` of {owner} must be among {sorted({**of_kind, **of_cell})}, got {sorted(unknown)}.")
        fill_options(to.option, of_kind, given, owner)
        fill_options(to.cell_option, of_cell, given, owner)
        self.check_states(node, given)
        for i, (of, shift, stem) in enumerate((s.node, s.shift, s.weight) for s in sources):
            source = &self.network.source[first_source + i]
            if not -self.network.n_axes <= of < len(self.nodes):
                or_target = " or -2 for those of the second axis," if self.network.n_axes > 1 else ""
                raise ValueError(f"A source must name a node from 0 to {len(self.nodes) - 1}, or -1 for the data,{or_target} got "
                                 f"{of}.")
            if not -MAX_SHIFT <= shift <= 0:
                raise ValueError(f"The shift of a source must be from {-MAX_SHIFT} to 0, got {shift}.")
            source.node = self.network.axis[1].data if of == -2 else of + 1
            source.shift, source.stem = -shift, index_of(STEMS, stem, "weight")
        return 0

    cdef const rnn_kind_info *info_of(self, int number):
        return rnn_kernels_of(8, 0).describe_kind(self.network.node[number].kind)

    cdef int check_names(self) except -1:
        """Refuse names that would give two arrays one name."""
        cdef int i, d
        names = [self.direction_name(i, d) for i in self.numbers()
                 for d in range(self.network.node[i].n_directions)]
        if len(set(names)) < len(names):
            raise ValueError("The names of nodes must differ, except those of two directions of a layer.")
        return 0

    cdef int check_states(self, node, dict given) except -1:
        """Refuse options on the previous state, if the cell does not read that state."""
        info = CELLS.get(node.cell)
        for name, unset in (("initial_state", "zeros"), ("zoneout", 0)):
            if given.get(name, unset) != unset and info.reads_output:
                raise ValueError(f"`{name}` of node {node.name!r} must be {unset!r}: the cell {node.cell!r} does not read its "
                                 "own state.")
        if given.get("recurrent_dropout", 0) != 0 and not info.hidden_product:
            raise ValueError(f"`recurrent_dropout` of node {node.name!r} must be 0, got {given['recurrent_dropout']!r}: the cell "
                             f"{node.cell!r} does not multiply its state by weights. Use `zoneout`, or dropout between layers.")
        if given.get("normalization", "none") != "none" and not info.hidden_product:
            others = ", ".join(repr(name) for name, cell in CELLS.items() if cell.hidden_product)
            raise ValueError(f"`normalization` of node {node.name!r} must be 'none', got {given['normalization']!r}: the cell "
                             f"{node.cell!r} does not multiply its state by weights. Cells that do: {others}.")
        return 0

    cdef int check_sources(self, int number) except -1:
        """Refuse sources that no node of this kind can read."""
        cdef rnn_node *node = &self.network.node[number]
        cdef const rnn_kind_info *info = self.info_of(number)
        cdef rnn_source *source
        cdef int i
        name, stems = self.nodes[number - 1].name, set()
        if info.reads_one and node.n_sources > 1:
            raise ValueError(f"Node {name!r} must have one source, got {node.n_sources}.")
        if info.reads_memory and (node.n_sources != 3 or not node.axis):
            raise ValueError(f"Node {name!r} must be of axis 1 and have three sources, query, keys and values, got "
                             f"{node.n_sources} on axis {node.axis}.")
        for i in range(node.n_sources):
            source = &self.network.source[node.first_source + i]
            stems.add(source.stem)
            if source.shift and not info.reads_shifts:
                raise ValueError(f"Node {name!r} must read its sources at the same step, got shift {-source.shift}.")
            if self.is_data(source.node) and self.network.node[source.node].units == 0:
                of = "the data: all columns of X are codes" if source.node == 0 else "data of axis 1: it has only codes, or none"
                raise ValueError(f"Node {name!r} must not read {of}.")
            self.check_axis_of_source(number, i)
            if self.is_data(source.node):
                continue
            if source.node >= number and (not info.reads_shifts or (info.needs_earlier and i == 0)):
                raise ValueError(f"Node {name!r} must not read a later node.")
            if self.info_of(source.node).is_tail:
                raise ValueError(f"Node {name!r} must not read a tail, which has no stream.")
            if self.info_of(source.node).of_sequences:
                raise ValueError(f"Node {name!r} must not read the output of node {self.nodes[source.node - 1].name!r}, which "
                                 "needs all steps of a sequence.")
            if source.node < number and self.info_of(source.node).is_output:
                raise ValueError(f"Node {name!r} must come before the head, whose output it reads.")
        if not info.reads_codes and 0 not in stems or (len(stems) > 1 and not info.reads_stems):
            raise ValueError(f"Node {name!r} must have a source with weights {STEMS[0]!r}; only some kinds may have others, too.")
        if info.has_cell:
            self.check_recurrence(number, stems)
        return 0

    cdef bint is_data(self, int number) noexcept:
        return number == 0 or number > len(self.nodes)

    cdef int check_axis_of_source(self, int number, int i) except -1:
        """Refuse sources of the other axis, unless a node of this kind reads them."""
        cdef const rnn_node *node = &self.network.node[number]
        cdef int read = self.network.source[node.first_source + i].node
        wanted = 0 if i > 0 and self.info_of(number).reads_memory else node.axis
        if self.network.node[read].axis != wanted:
            raise ValueError(f"Node {self.nodes[number - 1].name!r} must read streams of axis {wanted}, got one of axis "
                             f"{self.network.node[read].axis}.")
        return 0

    cdef int check_target_axis(self, int number) except -1:
        """Refuse what no node can do on the second axis."""
        cdef const rnn_node *node = &self.network.node[number]
        given = self.nodes[number - 1]
        name = f"Node {given.name!r}"
        if node.axis and (node.direction[0].reverse or node.n_directions > 1):
            raise ValueError(f"{name}: `directions` must be 'forward' on axis 1, got {given.directions!r}.")
        if node.axis and self.info_of(number).rows == ROW_PER_SEQUENCE:
            raise ValueError(f"{name} must be on axis 0: nodes of kind {given.kind!r} read all steps, which axis 1 does not "
                             "support.")
        return 0

    cdef int check_beginning(self, int number) except -1:
        """Refuse initial states that do not come from one row per sequence of the first axis, and nodes that cannot take them."""
        cdef const rnn_node *node = &self.network.node[number]
        cdef const rnn_source *source = &self.network.source[node.first_source + node.n_sources]
        given = self.nodes[number - 1]
        name, asked = f"Node {given.name!r}", dict(given.options).get("initial_state") == "source"
        if node.n_beginnings != asked:
            raise ValueError(f"{name} must have one source with weights {INITIAL!r} if and only if it is recurrent and its "
                             "`initial_state` is 'source'.")
        if not asked:
            return 0
        n_states = len(CELLS[given.cell].states)
        if not node.axis or self.network.node[source.node].axis or source.shift or not self.is_once(source.node):
            raise ValueError(f"{name}: a source with weights {INITIAL!r} must have one row per sequence and be of axis 0, and "
                             "the node itself must be of axis 1.")
        parts, units, _ = self.columns_of(source.node)
        if parts * units != n_states * node.units:
            raise ValueError(f"{name}: the source with weights {INITIAL!r} must have {n_states * node.units} columns, "
                             f"{node.units} for each of {n_states} states, got {parts * units}.")
        return 0

    cdef int check_memory(self, int number) except -1:
        """Refuse keys and values that do not lie before the node, row by row, and queries that do not fit the keys."""
        cdef const rnn_node *node = &self.network.node[number]
        cdef const rnn_source *source
        cdef int i
        name = f"Node {self.nodes[number - 1].name!r}"
        for i in range(1, node.n_sources):
            source = &self.network.source[node.first_source + i]
            if source.shift or self.is_once(source.node):
                raise ValueError(f"{name} must read all steps of its keys and values: streams with one row per step, at shift 0.")
            if source.node >= number:
                raise ValueError(f"{name} must come after the nodes with its keys and values.")
        query, keys = (self.columns_of(self.network.source[node.first_source + i].node) for i in range(2))
        options = dict(self.nodes[number - 1].options)
        if options.get("score") == "dot" and query[0] * query[1] != keys[0] * keys[1]:
            raise ValueError(f"{name}: query and keys must have as many columns for score='dot', got {query[0] * query[1]} and "
                             f"{keys[0] * keys[1]}.")
        return 0

    cdef int check_recurrence(self, int number, set stems) except -1:
        """Refuse weights of h that the cell has itself, and cells and options that must read their own h."""
        cdef const rnn_kernels *kernels = rnn_kernels_of(8, 0)
        cdef rnn_node *node = &self.network.node[number]
        cdef const rnn_option *options
        cdef rnn_cell cell
        given = self.nodes[number - 1]
        values, name = dict(given.options), f"Node {given.name!r}"
        from_source, has_source = values.get("recurrence", "own") == "source", STEMS.index("weight_hh") in stems
        if from_source != has_source:
            raise ValueError(f"{name} must have sources with weights 'weight_hh' if and only if its `recurrence` is 'source'.")
        if not from_source:
            return 0
        memset(&cell, 0, sizeof(cell))
        kernels.describe_cell(node.cell, node.cell_option, &cell, &options)
        if not cell.n_blocks == cell.n_x == cell.n_h:
            raise ValueError(f"{name}: `recurrence` of {given.cell} must be 'own', because some of its gates do not add the "
                             "product with h to that with x.")
        for option in ("normalization", "recurrent_dropout", "zoneout", "initial_state"):
            if option in values and values[option] != KINDS[given.kind][option].default:
                raise ValueError(f"{name}: `{option}` must be {KINDS[given.kind][option].default!r} where `recurrence` is "
                                 f"'source', got {values[option]!r}.")
        return 0

    cdef int check_streams(self, int number) except -1:
        """Refuse streams that do not go together."""
        cdef rnn_node *node = &self.network.node[number]
        cdef const rnn_kind_info *info = self.info_of(number)
        cdef int i
        name = self.nodes[number - 1].name
        sources = [self.network.source[node.first_source + i].node for i in range(node.n_sources)]
        if info.reads_memory:
            sources = sources[:1]
        once = {self.is_once(source) for source in sources}
        if len(once) > 1 or (True in once and not info.reads_once):
            instead = " or only streams with one row per sequence" if info.reads_once else ""
            raise ValueError(f"Node {name!r} must read streams with one row per step{instead}.")
        if True in once and any(self.network.source[node.first_source + i].shift for i in range(node.n_sources)):
            raise ValueError(f"Node {name!r} must read streams with one row per sequence at shift 0.")
        if info.reads_equal and len({self.columns_of(source) for source in sources}) > 1:
            raise ValueError(f"Node {name!r} must read streams of one width and direction.")
        if info.merges and self.columns_of(sources[0])[0] != 2:
            raise ValueError(f"Node {name!r} must read a stream of two directions.")
        return 0

    cdef bint is_once(self, int number) except -1:
        """Whether a node has one row per sequence."""
        cdef const rnn_kind_info *info = self.info_of(number)
        if info.rows == ROWS_OF_SOURCE:
            return self.is_once(self.network.source[self.network.node[number].first_source].node)
        return info.rows == ROW_PER_SEQUENCE

    cdef tuple columns_of(self, int number):
        """Parts and units of a node's stream, and whether they run backwards."""
        cdef rnn_node *node = &self.network.node[number]
        if self.info_of(number).merges:
            return 1, self.columns_of(self.network.source[node.first_source].node)[1], False
        if self.info_of(number).reads_equal:
            return self.columns_of(self.network.source[node.first_source].node)
        if self.info_of(number).reads_memory:       # those of its values
            return *self.columns_of(self.network.source[node.first_source + 2].node)[:2], False
        return node.n_directions, node.units, node.direction[0].reverse

    cdef int plan(self, const rnn_kernels *kernels, rnn_wish *wish) except -1:
        """Plan this network; returns the result unless there is no order of the loops."""
        cdef rnn_plan_result result = kernels.plan(&self.network, wish)
        if result == PLAN_WITHOUT_ORDER:
            raise ValueError(f"The nodes cannot be computed in any order: node {self.nodes[wish.node - 1].name!r} is in a loop "
                             "through time (or, with `by_step`, in the network), whose nodes must all run in one direction and "
                             "have an output at every step.")
        return result

    cdef list state_layout(self):
        """See the function of this name."""
        cdef const rnn_network *network = &self.network
        cdef const rnn_carried *carried
        cdef int i, number
        layout = {}
        for i in range(network.n_carried):
            carried = &network.carried_state[i]
            number = carried.node
            while self.info_of(number).training_only:
                number = network.source[network.node[number].first_source].node
            node = "x" if self.is_data(number) else self.nodes[number - 1].name
            if carried.state >= 0:
                name = f"{network.node[number].declared.state_name[carried.state].decode()}_{node}"
            else:
                name = self.stream_name(number, node) + (f"_{carried.back + 1}" if carried.back else "")
            layout[carried.column] = name, carried.column, network.node[number].out.units
        return list(layout.values())

    cdef str stream_name(self, int number, str name):
        """Name of a stream among the states: that of h where a cell reads it in the place of its own."""
        cdef const rnn_source *source
        cdef int i, k
        if number == self.network.head:
            return "y"
        for i in self.numbers():
            for k in range(self.network.node[i].n_sources):
                source = &self.network.source[self.network.node[i].first_source + k]
                if source.node == number and STEMS[source.stem] == "weight_hh":
                    return f"h_{self.nodes[i - 1].name}"
        return name

    cdef str tensor_name(self, const rnn_tensor *tensor):
        stem, name = tensor.stem.decode(), self.direction_name(tensor.node, tensor.direction)
        return f"{stem}_{name}" if self.info_of(tensor.node).stem_first else f"{name}.{stem}"

    cdef str direction_name(self, int number, int d):
        """Name of one direction of a node: "l0", "l0_reverse"."""
        return self.nodes[number - 1].name + ("_reverse" if self.network.node[number].direction[d].reverse else "")


cdef object too_large(const rnn_network *network):
    """Return the error about a network that cannot be planned, whatever the sequences."""
    if network.n_params < 0 or network.packed.size < 0 or network.gradient.size < 0:
        return ValueError("`hidden_layer_sizes` is too large: the parameters need 2**59 numbers or more.")
    return ValueError("Too many streams are read at earlier steps: take fewer Conv1D layers, or a smaller `kernel_size`.")


def tensors(n_features, nodes, window=1, n_target_features=0):
    """List the arrays of parameters of a network, in their order in the flat vector.

    Parameters
    ----------
    n_features : int
    nodes : sequence of Node
    window : int
        Steps of the data that the nodes read side by side.
    n_target_features : int
        Columns of the data of the second axis.

    Returns
    -------
    tensors : list of Tensor
        Under PyTorch's names: by node and direction `weight_ih_l0` (G*H, I), `weight_hh_l0` (G*H, H), `bias_ih_l0` and
        `bias_hh_l0` (G*H,), and the cell's own, the reverse direction with the suffix `_reverse`; then `head.weight` and
        `head.bias`. Of a dense node likewise.

    Raises
    ------
    ValueError
        If the nodes are not those of a network, or need too many parameters.
    """
    cdef NodeTables tables = NodeTables(n_features, nodes, window, n_target_features)
    cdef rnn_network *network = &tables.network
    cdef const rnn_tensor *tensor
    cdef rnn_wish wish
    cdef int i
    memset(&wish, 0, sizeof(wish))
    if tables.plan(rnn_kernels_of(8, 0), &wish) != PLAN_MADE:
        raise too_large(network)
    result = []
    for i in range(network.n_tensors):
        tensor = &network.tensor[i]
        if tensor.n_axes == 1:
            shape = (tensor.n_groups * tensor.units,)
        elif tensor.n_axes == 2:
            shape = (tensor.n_groups * tensor.units, tensor.columns)
        else:
            shape = (tensor.n_groups, tensor.units)
        initial = {ZEROS: "zeros", CONSTANTS: "constants", GLOROT: "glorot", ORTHOGONAL: "orthogonal",
                   FROM_0_TO_1: "from_0_to_1", EMBEDDING: "embedding"}[tensor.initial]
        memory = network.node[tensor.node].declared.memory
        result.append(Tensor(tables.tensor_name(tensor), tensor.at, shape, tensor.n_groups, initial,
                             tuple(tensor.constant[k] for k in range(tensor.n_groups)), bool(tensor.decays), tensor.node - 1,
                             tensor.stem.decode(), tuple(memory[k] for k in range(tensor.n_groups))))
    return result


def state_layout(n_features, nodes, n_target_features=0):
    """List the states of a network that go on from step to step.

    Parameters
    ----------
    n_features : int
    nodes : sequence of Node
    n_target_features : int
        Columns of the data of the second axis.

    Returns
    -------
    layout : list of (name, first column, n_columns)
        Where each is in a row of states. The names are "h_l0", "c_l0", ...; "y" is the output of a head that other nodes read,
        and the name of any other node its stream, if it is read at later steps.
    """
    cdef NodeTables tables = NodeTables(n_features, nodes, 1, n_target_features)
    cdef rnn_wish wish
    memset(&wish, 0, sizeof(wish))
    if tables.plan(rnn_kernels_of(8, 0), &wish) != PLAN_MADE:
        raise too_large(&tables.network)
    return tables.state_layout()
