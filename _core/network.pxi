"""Networks as the kernels know them: tables of nodes, sources and parameters, made from lists of nodes."""
from collections import namedtuple

from libc.string cimport memcpy, memset

from kernels cimport (
    CONSTANTS, EMBEDDING, FROM_0_TO_1, GLOROT, MAX_BLOCKS, MAX_DIRECTIONS, MAX_NODES, MAX_NORM_ARRAYS, MAX_OWN, MAX_SHIFT,
    MAX_SOURCES, MAX_STATES, ORTHOGONAL, PLAN_MADE, PLAN_WITHOUT_ORDER, ROWS_OF_SOURCE, ROW_PER_SEQUENCE, ZEROS, isize,
    rnn_carried, rnn_cell, rnn_kernels, rnn_kernels_of, rnn_kind_info, rnn_network, rnn_node, rnn_option, rnn_packing,
    rnn_plan_result, rnn_source, rnn_tensor, rnn_wish
)

# An array of parameters: its place in the flat vector, `n_groups` (gates) that are initialised one by one, how (`initial`), and
# the initial value of each group where that is "constants"; then the index of its node, its name without that of the node, and
# what each gate of that node does to the state (see CellInfo).
Tensor = namedtuple("Tensor", "name offset shape n_groups initial constants decays node stem memory")

MOST_STEPS_BACK = MAX_SHIFT      # at which a node reads a source
MOST_NODES = MAX_NODES - 1       # X is one too
MOST_SOURCES = MAX_SOURCES       # of a node
cdef tuple DIRECTIONS = ("forward", "reverse", "both")
# Features, units and outputs stay below this, so that their products with a few gates cannot overflow before they are checked.
cdef isize LARGEST = 1 << 31


# Tables of the networks that engines were made for, by the identity of their nodes: to read nodes takes longer than to copy
# tables.
cdef dict described_tables = {}
cdef isize MOST_DESCRIBED = 64


cdef NodeTables tables_of(n_features, nodes, window):
    """New tables of a network; the nodes of the same tuple are read only once."""
    cdef NodeTables tables = NodeTables(n_features, nodes, window)
    if isinstance(nodes, tuple) and id(nodes) not in described_tables:
        if len(described_tables) >= MOST_DESCRIBED:
            described_tables.clear()
        described_tables[id(nodes)] = NodeTables(n_features, nodes, window)
    return tables


cdef class NodeTables:
    """The tables of a network, in memory of NumPy, and the `rnn_network` that points to them.

    Parameters
    ----------
    n_features : int
    nodes : sequence of Node
        See `sklearn_rnn._model.network`. Node i reads the nodes that its sources name, and -1 the data.
    window : int
        Steps of the data that the nodes read side by side.
    """
    cdef rnn_network network
    cdef readonly tuple nodes
    cdef object memory, columns
    cdef isize n_bytes_described

    def __cinit__(self, n_features, nodes, window=1):
        cdef rnn_network *network = &self.network
        cdef NodeTables described = described_tables.get(id(nodes))
        if (described is not None and described.nodes is nodes and described.network.n_features == n_features
                and described.network.window == window):
            self.nodes = nodes
            self.allocate(n_features, window, described.network.n_sources)
            memcpy(network.node, described.network.node, self.n_bytes_described)
            self.columns, network.column = described.columns, described.network.column
            return
        self.nodes = tuple(nodes)
        if not 1 <= n_features < LARGEST:
            raise ValueError(f"`n_features` must be 1 to {LARGEST - 1}, got {n_features}.")
        if not 1 <= window < LARGEST or n_features * window >= LARGEST:
            raise ValueError(f"`window` must be at least 1, and times `n_features` at most {LARGEST - 1}, got {window}.")
        if not 1 <= len(self.nodes) <= MOST_NODES:
            raise ValueError(f"`nodes` must hold 1 to {MOST_NODES} nodes, got {len(self.nodes)}: take fewer layers.")
        sources = [tuple(node.sources) for node in self.nodes]
        self.allocate(n_features, window, sum(map(len, sources)))
        network.node[0].n_directions = 1
        first = 0
        for number, (node, read) in enumerate(zip(self.nodes, sources), start=1):
            self.add_node(number, node, read, first)
            first += len(read)
        n_codes = self.set_columns(n_features)
        if n_codes and window > 1:
            raise ValueError(f"`window` must be 1 in a network that reads codes in its data, got {window}.")
        network.node[0].units = (n_features - n_codes) * window
        if sum(self.info_of(number).is_output for number in range(1, network.n_nodes)) > 1:
            raise ValueError("A network must not have more than one head.")
        self.check_names()
        for number in range(1, network.n_nodes):
            self.check_sources(number)
        for number in range(1, network.n_nodes):
            self.check_streams(number)

    cdef allocate(self, n_features, window, n_sources):
        """Take memory for all tables; that of nodes and sources is zero."""
        cdef rnn_network *network = &self.network
        cdef isize n_tensors, n_packings
        network.n_features, network.window, network.stride = n_features, window, 1
        network.n_nodes = len(self.nodes) + 1
        network.n_sources = n_sources
        network.result = network.n_nodes - 1
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

    cdef isize set_columns(self, n_features) except -1:
        """Leave the columns of X that hold codes to those who read them; returns their number."""
        codes = {int(self.network.node[i].option[0]) for i in range(1, self.network.n_nodes) if self.info_of(i).reads_codes}
        if codes and max(codes) >= n_features:
            raise ValueError(f"A column of codes must be from 0 to {n_features - 1}, got {max(codes)}.")
        if codes:
            self.columns = np.setdiff1d(np.arange(n_features, dtype=np.intp), sorted(codes))
            self.network.column = <isize *>cnp.PyArray_DATA(self.columns)
        return len(codes)

    cdef int add_node(self, int number, node, tuple sources, int first_source) except -1:
        cdef rnn_node *to = &self.network.node[number]
        cdef const rnn_kind_info *info
        cdef rnn_source *source
        cdef int i
        to.kind = 1 + index_of(KINDS, node.kind, "kind")
        info = self.info_of(number)
        to.n_directions = 1
        to.first_source, to.n_sources = first_source, len(sources)
        if info.reads_codes and to.n_sources > 0:
            raise ValueError(f"Node {node.name!r} reads a column of X and must have no sources, got {to.n_sources}.")
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
            if not -1 <= of < len(self.nodes):
                raise ValueError(f"A source must name a node from 0 to {len(self.nodes) - 1}, or -1 for the data, got {of}.")
            if not -MAX_SHIFT <= shift <= 0:
                raise ValueError(f"The shift of a source must be from {-MAX_SHIFT} to 0, got {shift}.")
            source.node, source.shift, source.stem = of + 1, -shift, index_of(STEMS, stem, "weight")
        return 0

    cdef const rnn_kind_info *info_of(self, int number):
        return rnn_kernels_of(8, 0).describe_kind(self.network.node[number].kind)

    cdef int check_names(self) except -1:
        """Refuse names that would give two arrays one name."""
        cdef int i, d
        names = [self.direction_name(i, d) for i in range(1, self.network.n_nodes)
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
        for i in range(node.n_sources):
            source = &self.network.source[node.first_source + i]
            stems.add(source.stem)
            if source.shift and not info.reads_shifts:
                raise ValueError(f"Node {name!r} must read its sources at the same step, got shift {-source.shift}.")
            if source.node == 0 and self.network.node[0].units == 0:
                raise ValueError(f"Node {name!r} must not read the data: all columns of X are codes.")
            if source.node >= number and (not info.reads_shifts or (info.needs_earlier and i == 0)):
                raise ValueError(f"Node {name!r} must not read a later node.")
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
            node = self.nodes[number - 1].name if number else "x"
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
        for i in range(1, self.network.n_nodes):
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


def tensors(n_features, nodes, window=1):
    """List the arrays of parameters of a network, in their order in the flat vector.

    Parameters
    ----------
    n_features : int
    nodes : sequence of Node
    window : int
        Steps of the data that the nodes read side by side.

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
    cdef NodeTables tables = NodeTables(n_features, nodes, window)
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


def state_layout(n_features, nodes):
    """List the states of a network that go on from step to step.

    Parameters
    ----------
    n_features : int
    nodes : sequence of Node

    Returns
    -------
    layout : list of (name, first column, n_columns)
        Where each is in a row of states. The names are "h_l0", "c_l0", ...; "y" is the output of a head that other nodes read,
        and the name of any other node its stream, if it is read at later steps.
    """
    cdef NodeTables tables = NodeTables(n_features, nodes)
    cdef rnn_wish wish
    memset(&wish, 0, sizeof(wish))
    if tables.plan(rnn_kernels_of(8, 0), &wish) != PLAN_MADE:
        raise too_large(&tables.network)
    return tables.state_layout()
