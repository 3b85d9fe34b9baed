using Microsoft.ML.Reversible.Cli.Options;
using Microsoft.ML.Reversible.FineTuning;
using Microsoft.ML.Reversible.Tests.Cli;
using Microsoft.ML.Reversible.Tests.FineTuning;

namespace Microsoft.ML.Reversible.Tests.Fuzzing;

/// <summary>Files of conversations: JSON lines of each layout, and Parquet.</summary>
internal static class ConversationTarget
{
    public static FuzzTarget Lines { get; } = new(
        "conversations as JSON lines",
        folder =>
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(Path.Combine(folder, "chats.jsonl"), string.Join('\n',
                """{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"é"}]}""",
                """{"system":"s","conversations":[{"from":"human","value":"Hi"},{"from":"gpt","value":"Hello"}]}""",
                """{"prompt":"Hi","response":"Hello"}""", """{"instruction":"a","input":"b","output":"c"}"""));
        },
        folder => Use(ConversationFile.Read(Path.Combine(folder, "chats.jsonl"))), typeof(InvalidDataException));

    public static FuzzTarget Parquet { get; } = new(
        "conversations as Parquet",
        folder =>
        {
            Directory.CreateDirectory(folder);
            ParquetFiles.Write(Path.Combine(folder, "nested.parquet"), Chats.Rows[..10], rowGroupSize: 4);
            ParquetFiles.Write(
                Path.Combine(folder, "flat.parquet"), new ParquetFiles.Flat[] { new() { prompt = "a", response = "b", system = "c" } });
        },
        folder =>
        {
            foreach (string file in Directory.GetFiles(folder)) Use(ParquetConversations.Read(file));
        },
        typeof(InvalidDataException));

    private static void Use(IReadOnlyList<ConversationRow> rows)
    {
        foreach (ConversationRow row in rows) Assert.HasCount(row.Roles.Length, row.Texts);
    }
}
