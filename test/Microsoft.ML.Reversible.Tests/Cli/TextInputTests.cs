using System.Text;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Cli;

[TestClass]
public sealed class TextInputTests
{
    private readonly ScratchFolder _scratch = new();

    [TestCleanup]
    public void Delete() => _scratch.Dispose();

    private string[] Train(string file) =>
    [
        "train", "--data", file, "--out", _scratch.File("model"), "--layer-count", "1", "--width", "8", "--head-count", "1",
        "--context-length", "8", "--tokenization", "byte", "--max-steps", "2", "--warmup-steps", "0",
    ];

    [TestMethod]
    [DataRow("lines")]
    [DataRow("files")]
    public void TextThatIsNoUtf8IsRefusedWithFileAndLine(string format)
    {
        string file = _scratch.File("latin1.txt");
        File.WriteAllBytes(file, [.. Encoding.UTF8.GetBytes("first line\n"), .. Encoding.Latin1.GetBytes("café and more of it\nlast\n")]);
        CliRun.Of([.. Train(file), "--data-format", format]).AssertRefused("latin1.txt', line 2");
        Assert.IsFalse(Directory.Exists(_scratch.File("model")));
    }

    [TestMethod]
    [DataRow("lines")]
    [DataRow("files")]
    public void AGitLfsPointerIsNotTakenForText(string format)
    {
        string file = _scratch.File("pointer.txt");
        File.WriteAllText(file, "version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 123\n");
        CliRun.Of([.. Train(file), "--data-format", format]).AssertRefused("pointer.txt': it is a Git LFS pointer", "git lfs pull");
    }

    [TestMethod]
    public void TheLineIsRightFarBehindTheFirstBuffer()
    {
        string file = _scratch.File("long.txt");
        File.WriteAllBytes(file, [.. Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("some text\r\n", 20_000))), 0xC3, 0x28]);
        CliRun.Of(Train(file)).AssertRefused("line 20001");
    }

    [TestMethod]
    public void TextWithAByteOrderMarkIsRead()
    {
        string file = _scratch.File("utf16.txt");
        File.WriteAllText(file, string.Concat(Enumerable.Repeat("the café is open\n", 50)), Encoding.Unicode);
        CliRun run = CliRun.Of(Train(file));
        Assert.AreEqual(0, run.Code, run.Error);
        run = CliRun.Of(["score", "--model", _scratch.File("model"), "--data", file, "--json"]);
        Assert.AreEqual(0, run.Code, run.Error);
    }

    [TestMethod]
    public void ScoreRefusesTextThatIsNoUtf8()
    {
        string good = CliRun.WriteText(_scratch.File("good.txt")), bad = _scratch.File("bad.txt");
        Assert.AreEqual(0, CliRun.Of(Train(good)).Code);
        File.WriteAllBytes(bad, [0x61, 0xE9, 0x0A]);
        CliRun.Of(["score", "--model", _scratch.File("model"), "--data", bad]).AssertRefused("bad.txt', line 1");
    }
}
