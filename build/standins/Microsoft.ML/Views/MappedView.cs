namespace Microsoft.ML.Data;

/// <summary>A source with the columns of a <see cref="RowMapper"/> added; also the mapper of single rows.</summary>
internal sealed class MappedView : InputView, IRowToRowMapper
{
    private readonly RowMapper _mapper;

    public MappedView(IDataView source, RowMapper mapper) : base(source)
    {
        _mapper = mapper;
        Schema = mapper.OutputSchema();
    }

    public override DataViewSchema Schema { get; }

    public DataViewSchema InputSchema => Source.Schema;

    public DataViewSchema OutputSchema => Schema;

    private int InputCount => Source.Schema.Count;

    public override DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        var needed = columnsNeeded.ToArray();
        var input = Source.GetRowCursor(GetDependencies(needed), rand);
        return new Cursor(this, input, new Columns(this, input, needed));
    }

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns)
    {
        var active = Getters.ActiveMask(Schema, dependingColumns);
        var needed = active.AsSpan(0, InputCount).ToArray();
        if (active.AsSpan(InputCount).Contains(true))
        {
            foreach (var index in _mapper.Dependencies(i => active[InputCount + i]))
                needed[index] = true;
        }
        return Source.Schema.Where(c => needed[c.Index]).ToArray();
    }

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        if (!ReferenceEquals(input.Schema, InputSchema))
            throw new ArgumentException("Schema of input row must be the same as the schema the mapper is bound to", nameof(input));
        return new Row(this, input, new Columns(this, input, activeColumns));
    }

    private sealed class Columns
    {
        private readonly MappedView _view;
        private readonly DataViewRow _input;
        private readonly bool[] _active;
        private readonly Delegate[] _getters;

        public Columns(MappedView view, DataViewRow input, IEnumerable<DataViewSchema.Column> needed)
        {
            _view = view;
            _input = input;
            _active = Getters.ActiveMask(view.Schema, needed);
            _getters = view._mapper.CreateGetters(input, i => _active[view.InputCount + i]);
        }

        public bool IsActive(DataViewSchema.Column column) => _active[column.Index];

        public ValueGetter<TValue> Getter<TValue>(DataViewSchema.Column column)
        {
            if (!_active[column.Index])
                throw new ArgumentOutOfRangeException(nameof(column), $"Requested column '{column.Name}' is not active");
            return column.Index < _view.InputCount
                ? _input.GetGetter<TValue>(_view.Source.Schema[column.Index])
                : Getters.Cast<TValue>(_getters[column.Index - _view.InputCount], _view.Schema[column.Index]);
        }
    }

    private sealed class Cursor(MappedView view, DataViewRowCursor input, Columns columns) : InputCursor(input)
    {
        public override DataViewSchema Schema => view.Schema;

        public override bool IsColumnActive(DataViewSchema.Column column) => columns.IsActive(column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => columns.Getter<TValue>(column);
    }

    private sealed class Row(MappedView view, DataViewRow input, Columns columns) : DataViewRow
    {
        public override DataViewSchema Schema => view.Schema;

        public override long Position => input.Position;

        public override long Batch => input.Batch;

        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) => columns.IsActive(column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => columns.Getter<TValue>(column);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                input.Dispose();
            base.Dispose(disposing);
        }
    }
}
