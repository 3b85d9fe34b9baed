using Microsoft.ML.Transforms;
using static Microsoft.ML.SchemaShape.Column;

namespace Microsoft.ML.Data
{
    public sealed class ColumnConcatenatingTransformer : RowToRowTransformerBase
    {
        private readonly string _output;
        private readonly string[] _inputs;

        internal ColumnConcatenatingTransformer(string output, string[] inputs)
        {
            ArgumentException.ThrowIfNullOrEmpty(output);
            ArgumentNullException.ThrowIfNull(inputs);
            _output = output;
            _inputs = inputs;
        }

        internal static ITransformer Load(ModelLoadContext ctx)
        {
            var output = ctx.Reader.ReadString();
            var inputs = new string[ctx.Reader.ReadInt32()];
            for (var i = 0; i < inputs.Length; i++)
                inputs[i] = ctx.Reader.ReadString();
            return new ColumnConcatenatingTransformer(output, inputs);
        }

        private protected override RowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

        private protected override void SaveModel(ModelSaveContext ctx)
        {
            var writer = ctx.Begin(ModelLoaders.Concatenate);
            writer.Write(_output);
            writer.Write(_inputs.Length);
            foreach (var input in _inputs)
                writer.Write(input);
        }

        private sealed class Mapper : RowMapper
        {
            private readonly DataViewSchema.Column[] _inputs;
            private readonly PrimitiveDataViewType _item;

            public Mapper(ColumnConcatenatingTransformer parent, DataViewSchema schema) : base(schema)
            {
                _inputs = parent._inputs
                    .Select(n => schema.GetColumnOrNull(n) ?? throw Errors.SchemaMismatch("inputSchema", "input", n)).ToArray();
                _item = (PrimitiveDataViewType)_inputs[0].Type.ItemType();
                foreach (var input in _inputs)
                {
                    if (!input.Type.ItemType().Equals(_item))
                        throw Errors.SchemaMismatch("inputSchema", "input", input.Name, _item.ToString(), input.Type.ItemType().ToString());
                }
                var known = Array.TrueForAll(_inputs, i => i.Type is not VectorDataViewType { IsKnownSize: false });
                var type = new VectorDataViewType(_item, known ? _inputs.Sum(i => (i.Type as VectorDataViewType)?.Size ?? 1) : 0);
                OutputColumns = [new DataViewSchema.DetachedColumn(parent._output, type, known ? SlotNames(type.Size) : null)];
            }

            public override DataViewSchema.DetachedColumn[] OutputColumns { get; }

            public override IEnumerable<int> Dependencies(Func<int, bool> active) => active(0) ? _inputs.Select(i => i.Index) : [];

            public override Delegate[] CreateGetters(DataViewRow input, Func<int, bool> active) =>
                [active(0) ? (Delegate)TypeMap.Call(typeof(Mapper), nameof(Getter), [_item.RawType], input, _inputs) : null];

            private static Delegate Getter<T>(DataViewRow row, DataViewSchema.Column[] inputs)
            {
                var parts = inputs.Select(i => i.Type is VectorDataViewType
                    ? VectorPart(row.GetGetter<VBuffer<T>>(i))
                    : ScalarPart(row.GetGetter<T>(i))).ToArray();
                var all = new List<T>();
                return (ValueGetter<VBuffer<T>>)((ref VBuffer<T> value) =>
                {
                    all.Clear();
                    foreach (var add in parts)
                        add(all);
                    VBuffer<T>.Copy(all.ToArray(), 0, ref value, all.Count);
                });
            }

            private static Action<List<T>> ScalarPart<T>(ValueGetter<T> getter) => all =>
            {
                T item = default;
                getter(ref item);
                all.Add(item);
            };

            private static Action<List<T>> VectorPart<T>(ValueGetter<VBuffer<T>> getter)
            {
                VBuffer<T> buffer = default;
                return all =>
                {
                    getter(ref buffer);
                    all.AddRange(buffer.DenseValues());
                };
            }

            private DataViewSchema.Annotations SlotNames(int size)
            {
                if (Array.TrueForAll(_inputs, i => i.Type is VectorDataViewType && !i.HasSlotNames()))
                    return null;
                var names = new List<ReadOnlyMemory<char>>();
                foreach (var input in _inputs)
                {
                    if (input.Type is not VectorDataViewType vector)
                    {
                        names.Add(input.Name.AsMemory());
                        continue;
                    }
                    VBuffer<ReadOnlyMemory<char>> own = default;
                    if (input.HasSlotNames())
                        input.GetSlotNames(ref own);
                    names.AddRange(own.Length == 0
                        ? new ReadOnlyMemory<char>[vector.Size]
                        : own.DenseValues().Select(n => n.IsEmpty ? n : $"{input.Name}.{n}".AsMemory()));
                }
                var value = new VBuffer<ReadOnlyMemory<char>>(size, names.ToArray());
                var builder = new DataViewSchema.Annotations.Builder();
                builder.Add(AnnotationNames.SlotNames, new VectorDataViewType(TextDataViewType.Instance, size),
                    VBufferCopy.From((ref VBuffer<ReadOnlyMemory<char>> destination) => destination = value));
                return builder.ToAnnotations();
            }
        }
    }
}

namespace Microsoft.ML.Transforms
{
    using Microsoft.ML.Data;

    public sealed class ColumnConcatenatingEstimator : IEstimator<ColumnConcatenatingTransformer>
    {
        private readonly string _output;
        private readonly string[] _inputs;

        internal ColumnConcatenatingEstimator(string output, string[] inputs)
        {
            ArgumentException.ThrowIfNullOrEmpty(output);
            _output = output;
            _inputs = inputs is { Length: > 0 } ? inputs : throw new ArgumentException("Input columns must be named", nameof(inputs));
        }

        public ColumnConcatenatingTransformer Fit(IDataView input)
        {
            ArgumentNullException.ThrowIfNull(input);
            var transformer = new ColumnConcatenatingTransformer(_output, _inputs);
            transformer.GetOutputSchema(input.Schema);
            return transformer;
        }

        public SchemaShape GetOutputSchema(SchemaShape inputSchema)
        {
            ArgumentNullException.ThrowIfNull(inputSchema);
            var columns = _inputs.Select(inputSchema.Find).ToArray();
            foreach (var column in columns)
            {
                if (!column.ItemType.Equals(columns[0].ItemType) || column.IsKey != columns[0].IsKey)
                    throw Errors.SchemaMismatch(nameof(inputSchema), "input", column.Name, columns[0].GetTypeString(),
                        column.GetTypeString());
            }
            var known = Array.TrueForAll(columns, c => c.Kind != VectorKind.VariableVector);
            var named = known && Array.Exists(columns, c => c.Kind == VectorKind.Scalar
                || c.Annotations.TryFindColumn(AnnotationNames.SlotNames, out _));
            var annotations = named
                ? new SchemaShape([new SchemaShape.Column(AnnotationNames.SlotNames, VectorKind.Vector, TextDataViewType.Instance, false)])
                : null;
            var kind = known ? VectorKind.Vector : VectorKind.VariableVector;
            return inputSchema.With(new SchemaShape.Column(_output, kind, columns[0].ItemType, columns[0].IsKey, annotations));
        }
    }
}
