using System.Text;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.FineTuning;

[TestClass]
public sealed class ConversationFileTests
{
    private static readonly MLContext Ml = new();
    private readonly ScratchFolder _scratch = new();

    [TestCleanup]
    public void Delete() => _scratch.Dispose();

    [TestMethod]
    [DataRow("""{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"}]}""", "user:Hi|assistant:Hello")]
    [DataRow("""{"id":3,"messages":[{"role":"system","content":"S"},{"role":"user","content":"Hi"},{"role":"assistant","content":""}]}""",
        "system:S|user:Hi|assistant:")]
    [DataRow("""{"conversations":[{"from":"human","value":"Hi"},{"from":"gpt","value":"Hello"}]}""", "user:Hi|assistant:Hello")]
    [DataRow("""{"system":"S","conversations":[{"from":"human","value":"Hi"},{"from":"gpt","value":"Hello"}]}""",
        "system:S|user:Hi|assistant:Hello")]
    [DataRow("""{"conversations":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"}]}""", "user:Hi|assistant:Hello")]
    [DataRow("""{"prompt":"Hi","completion":"Hello"}""", "user:Hi|assistant:Hello")]
    [DataRow("""{"prompt":"Hi","response":"Hello","system":""}""", "user:Hi|assistant:Hello")]
    [DataRow("""{"prompt":[{"role":"user","content":"Hi"}],"completion":[{"role":"assistant","content":"Hello"}]}""",
        "user:Hi|assistant:Hello")]
    [DataRow("""{"instruction":"Greet.","input":"Bob","output":"Hello Bob"}""", "user:Greet.\n\nBob|assistant:Hello Bob")]
    [DataRow("""{"instruction":"Greet.","input":"","output":"Hello"}""", "user:Greet.|assistant:Hello")]
    [DataRow("""{"instruction":"Greet.","output":"Hello"}""", "user:Greet.|assistant:Hello")]
    public void EachLayoutIsRead(string line, string expected) => Assert.AreEqual(expected, Text(Load(line).Single()));

    [TestMethod]
    public void BlankLinesAByteOrderMarkAndWindowsLineEndsAreTaken()
    {
        string path = _scratch.File("data.jsonl");
        File.WriteAllText(
            path, "\r\n{\"prompt\":\"a\",\"response\":\"b\"}\r\n \r\n{\"prompt\":\"c\",\"response\":\"d\"}\r\n", new UTF8Encoding(true));
        CollectionAssert.AreEqual(new[] { "user:a|assistant:b", "user:c|assistant:d" }, Read(path).Select(Text).ToArray());
    }

    [TestMethod]
    [DataRow("""{"messages":[]}""", "line 2: the conversation is empty.")]
    [DataRow("""{"messages":[{"role":"user","content":"Hi"}]}""", "line 2: the conversation has no turn of the assistant to learn from.")]
    [DataRow("""{"messages":[{"role":"user","content":"Hi"},{"role":"robot","content":"Hello"}]}""",
        "line 2: turn 2 has the role 'robot', but a role must be system, user or assistant.")]
    [DataRow("""{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":null}]}""",
        "line 2: message 2 of 'messages' has no content that is text.")]
    [DataRow("""{"messages":[{"role":"user","content":[{"type":"image"}]},{"role":"assistant","content":"A"}]}""",
        "line 2: message 1 of 'messages' has no content that is text.")]
    [DataRow("""{"conversations":[{"value":"Hi"}]}""", "line 2: message 1 of 'conversations' has no role")]
    [DataRow("""{"conversations":[{"from":"human"}]}""", "line 2: message 1 of 'conversations' has no content that is text.")]
    [DataRow("""{"messages":"Hi"}""", "line 2: 'messages' is not an array of objects.")]
    [DataRow("""{"messages":[3]}""", "line 2: 'messages' is not an array of objects.")]
    [DataRow("""{"prompt":3,"response":"b"}""", "line 2: 'prompt' is not a text.")]
    [DataRow("""{"prompt":"a","response":"\ud800"}""", "line 2: 'response' has an unpaired surrogate.")]
    [DataRow("""{"text":"a"}""", "line 2: is not a conversation. It must have messages or conversations, or prompt and completion")]
    [DataRow("""{"prompt":"a"}""", "line 2: is not a conversation.")]
    [DataRow("""[]""", "line 2: is not a JSON object. The file must have one object per line.")]
    [DataRow("""{"prompt":""", "line 2: is not a JSON object. The file must have one object per line.")]
    public void AFaultyLineIsNamed(string line, string message)
    {
        var e = Assert.ThrowsExactly<InvalidDataException>(() => Load("""{"prompt":"a","response":"b"}""", line));
        StringAssert.StartsWith(e.Message, $"{_scratch.File("data.jsonl")}, {message}");
    }

    [TestMethod]
    [DataRow("", "data.jsonl has no conversation.")]
    [DataRow("\n \n", "data.jsonl has no conversation.")]
    [DataRow("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "it is a Git LFS pointer")]
    [DataRow("<!DOCTYPE html>\n", "it is a web page")]
    [DataRow("PAR1xxxxPAR1", "it is a Parquet file")]
    public void AnotherFileIsNamed(string content, string message)
    {
        string path = _scratch.File("data.jsonl");
        File.WriteAllText(path, content);
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => Read(path)).Message, message);
    }

    [TestMethod]
    public void AMissingFileIsNamed()
    {
        string path = _scratch.File("none.jsonl");
        StringAssert.Contains(Assert.ThrowsExactly<FileNotFoundException>(() => Read(path)).Message, path);
    }

    private static string Text(ConversationRow row) => string.Join('|', row.Roles.Zip(row.Texts, (role, text) => $"{role}:{text}"));

    private ConversationRow[] Load(params string[] lines)
    {
        string path = _scratch.File("data.jsonl");
        File.WriteAllText(path, string.Join('\n', lines));
        return Read(path);
    }

    private static ConversationRow[] Read(string path) =>
        [.. Ml.Data.CreateEnumerable<ConversationRow>(Ml.Reversible().LoadConversations(path), reuseRowObject: false)];
}
