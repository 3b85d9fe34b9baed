using System.Buffers.Binary;
using Microsoft.ML.Reversible.Cli.Options;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Cli;

[TestClass]
public sealed class ParquetConversationsTests
{
    private readonly ScratchFolder _scratch = new();

    private string File => _scratch.File("data.parquet");

    [TestCleanup]
    public void Delete() => _scratch.Dispose();

    [TestMethod]
    public void ListsOfMessagesAreReadFromEveryRowGroup()
    {
        ConversationRow[] rows =
        [
            .. Enumerable.Range(0, 50).Select(i => new ConversationRow
            {
                Roles = i % 3 == 0 ? ["system", "user", "assistant"] : ["user", "assistant", "user", "assistant"],
                Texts = [.. Enumerable.Range(0, i % 3 == 0 ? 3 : 4).Select(turn => turn == 1 ? "" : $"text {i}.{turn} é 🦊")],
            }),
        ];
        ParquetFiles.Write(File, rows);
        CollectionAssert.AreEqual(rows.Select(Text).ToArray(), ParquetConversations.Read(File).Select(Text).ToArray());
    }

    [TestMethod]
    public void ShareGptsNamesAreRead()
    {
        List<Turn> turns = [new() { from = "human", value = "Hi" }, new() { from = "gpt", value = "Yes" }];
        ParquetFiles.Write(File, new[] { new ShareGpt { conversations = turns } });
        Assert.AreEqual("user:Hi|assistant:Yes", Text(ParquetConversations.Read(File).Single()));
    }

    [TestMethod]
    public void PromptsAndResponsesAreRead()
    {
        ParquetFiles.Write(File, new ParquetFiles.Flat[]
        {
            new() { prompt = "a", response = "b", system = "s" }, new() { prompt = "c", response = "d", system = null },
        });
        CollectionAssert.AreEqual(
            new[] { "system:s|user:a|assistant:b", "user:c|assistant:d" }, ParquetConversations.Read(File).Select(Text).ToArray());
        ParquetFiles.Write(File, new Alpaca[]
        {
            new() { instruction = "a", input = "b", output = "c" }, new() { instruction = "d", input = "", output = "e" },
        });
        CollectionAssert.AreEqual(
            new[] { "user:a\n\nb|assistant:c", "user:d|assistant:e" }, ParquetConversations.Read(File).Select(Text).ToArray());
    }

    [TestMethod]
    public void FaultyRowsAreNamed()
    {
        AssertFault("row 1, counted from 0: the conversation is empty.", []);
        AssertFault("row 1, counted from 0: the conversation is empty.", null);
        AssertFault(
            "row 1, counted from 0: turn 1 has no text. Leave such conversations out.", [new() { role = "user" }, Answer]);
        AssertFault("row 1, counted from 0: turn 1 has the role 'robot'", [new() { role = "robot", content = "a" }, Answer]);
        AssertFault("row 1, counted from 0: turn 1 has the role ''", [new() { content = "a" }, Answer]);
        AssertFault("row 1, counted from 0: the conversation has no turn of the assistant", [new() { role = "user", content = "a" }]);

        void AssertFault(string message, List<ParquetFiles.Message>? messages)
        {
            ParquetFiles.Write(File, new ParquetFiles.Nested[] { new() { messages = [Question, Answer] }, new() { messages = messages } });
            StringAssert.StartsWith(
                Assert.ThrowsExactly<InvalidDataException>(() => ParquetConversations.Read(File)).Message, $"{File}, {message}");
        }
    }

    [TestMethod]
    public void OtherFilesAreNamed()
    {
        ParquetFiles.Write(File, new[] { new Other { text = "a", number = 1 } });
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(() => ParquetConversations.Read(File)).Message,
            "has no columns of conversations. It must have messages or conversations");
        System.IO.File.WriteAllText(File, "PAR1, says this text");
        Assert.IsTrue(ParquetConversations.IsParquet(File));
        StringAssert.StartsWith(
            Assert.ThrowsExactly<InvalidDataException>(() => ParquetConversations.Read(File)).Message, $"{File} is damaged or");
        System.IO.File.WriteAllText(File, "PAR");
        Assert.IsFalse(ParquetConversations.IsParquet(File));
    }

    [TestMethod]
    [DataRow(new byte[] { 0xFE, 0xFF, 0xFF, 0xFF, 0x0F }, "2147483647")]
    [DataRow(new byte[] { 0x80, 0x80, 0x01 }, "8192")]
    [DataRow(new byte[] { 0x01 }, "-1")]
    public void ARowGroupThatClaimsMoreRowsThanValuesIsRefused(byte[] number, string claimed)
    {
        var row = new ParquetFiles.Flat { prompt = "a", response = "b" };
        ParquetFiles.Write(File, Enumerable.Repeat(row, 8191), rowGroupSize: 10_000);
        Assert.HasCount(8191, ParquetConversations.Read(File));
        // The row group's number of rows is the last 64-bit field of the footer with 8191, as a zigzag number of variable length.
        byte[] file = System.IO.File.ReadAllBytes(File), field = [0x16, 0xFE, 0x7F];
        int at = file.AsSpan().LastIndexOf(field) + 1;
        byte[] changed = [.. file[..at], .. number, .. file[(at + 2)..]];
        Span<byte> footer = changed.AsSpan(changed.Length - 8, 4);
        BinaryPrimitives.WriteInt32LittleEndian(footer, BinaryPrimitives.ReadInt32LittleEndian(footer) + number.Length - 2);
        System.IO.File.WriteAllBytes(File, changed);
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(() => ParquetConversations.Read(File)).Message,
            $"a row group claims {claimed} rows, but has 8191 values");
    }

    private static ParquetFiles.Message Question => new() { role = "user", content = "q" };

    private static ParquetFiles.Message Answer => new() { role = "assistant", content = "a" };

    private static string Text(ConversationRow row) => string.Join('|', row.Roles.Zip(row.Texts, (role, text) => $"{role}:{text}"));

    public sealed class Turn
    {
        public string? from { get; set; }

        public string? value { get; set; }
    }

    public sealed class ShareGpt
    {
        public List<Turn>? conversations { get; set; }
    }

    public sealed class Alpaca
    {
        public string? instruction { get; set; }

        public string? input { get; set; }

        public string? output { get; set; }
    }

    public sealed class Other
    {
        public string? text { get; set; }

        public int number { get; set; }
    }
}
