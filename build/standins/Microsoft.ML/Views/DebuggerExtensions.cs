using System.Collections.Immutable;

namespace Microsoft.ML.Data
{
    public sealed class DataDebuggerPreview
    {
        internal DataDebuggerPreview(IDataView data, int maxRows)
        {
            Schema = data.Schema;
            var values = Schema.Select(_ => new List<object>()).ToArray();
            var rows = new List<RowInfo>();
            using var cursor = data.GetRowCursor(Schema);
            var getters = Schema.Select(c => Getters.Boxed(cursor, c)).ToArray();
            while (rows.Count < maxRows && cursor.MoveNext())
            {
                var row = getters.Select(g => g()).ToArray();
                for (var i = 0; i < row.Length; i++)
                    values[i].Add(row[i]);
                rows.Add(new RowInfo(row.Select((value, i) => new KeyValuePair<string, object>(Schema[i].Name, value)).ToArray()));
            }
            RowView = rows.ToImmutableArray();
            ColumnView = Schema.Select(c => new ColumnInfo(c, values[c.Index].ToArray())).ToImmutableArray();
        }

        public DataViewSchema Schema { get; }

        public ImmutableArray<ColumnInfo> ColumnView { get; }

        public ImmutableArray<RowInfo> RowView { get; }

        public override string ToString() => $"{Schema.Count} columns, {RowView.Length} rows";

        public sealed class ColumnInfo
        {
            internal ColumnInfo(DataViewSchema.Column column, object[] values)
            {
                Column = column;
                Values = values;
            }

            public DataViewSchema.Column Column { get; }

            public object[] Values { get; }

            public override string ToString() => Column.ToString();
        }

        public sealed class RowInfo
        {
            internal RowInfo(KeyValuePair<string, object>[] values) => Values = values;

            public KeyValuePair<string, object>[] Values { get; }

            public override string ToString() => $"{Values.Length} columns";
        }
    }
}

namespace Microsoft.ML
{
    using Microsoft.ML.Data;

    public static class DebuggerExtensions
    {
        public static DataDebuggerPreview Preview(this IDataView data, int maxRows = 100)
        {
            ArgumentNullException.ThrowIfNull(data);
            ArgumentOutOfRangeException.ThrowIfNegative(maxRows);
            return new DataDebuggerPreview(data, maxRows);
        }

        public static DataDebuggerPreview Preview(this ITransformer transformer, IDataView data, int maxRows = 100)
        {
            ArgumentNullException.ThrowIfNull(transformer);
            return transformer.Transform(data).Preview(maxRows);
        }
    }
}
