using Parquet;
using Parquet.Schema;
using Parquet.Serialization;

namespace Microsoft.ML.Reversible.Tests.Cli;

/// <summary>Writes Parquet files of conversations.</summary>
internal static class ParquetFiles
{
    public sealed class Message
    {
        public string? role { get; set; }

        public string? content { get; set; }
    }

    public sealed class Nested
    {
        public int id { get; set; }

        public List<Message>? messages { get; set; }
    }

    public sealed class Flat
    {
        public string? prompt { get; set; }

        public string? response { get; set; }

        public string? system { get; set; }
    }

    /// <summary>Writes a column of lists of messages.</summary>
    public static void Write(string path, IEnumerable<ConversationRow> rows, int rowGroupSize = 7) => Write(
        path,
        rows.Select((row, i) => new Nested
        {
            id = i, messages = [.. row.Roles.Zip(row.Texts, (role, content) => new Message { role = role, content = content })],
        }),
        rowGroupSize);

    /// <summary>Writes rows of any class.</summary>
    public static void Write<T>(string path, IEnumerable<T> rows, int rowGroupSize = 7)
    {
        using FileStream stream = File.Create(path);
        ParquetSerializer.SerializeAsync(rows, stream, new ParquetOptions { RowGroupSize = rowGroupSize }).GetAwaiter().GetResult();
    }
}
