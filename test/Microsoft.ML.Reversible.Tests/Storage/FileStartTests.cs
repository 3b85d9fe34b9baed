using Microsoft.ML.Reversible.Storage;
using Microsoft.ML.Reversible.Tests.Language;

namespace Microsoft.ML.Reversible.Tests.Storage;

/// <summary>Tests files that a download left in place of the real ones, in each reader.</summary>
[TestClass]
public sealed class FileStartTests
{
    private const string Pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 123\n";

    private readonly ScratchFolder _scratch = new();

    [TestCleanup]
    public void Delete() => _scratch.Dispose();

    [TestMethod]
    [DataRow(Pointer, "git lfs pull")]
    [DataRow("\ufeff" + Pointer, "git lfs pull")]
    [DataRow("<!DOCTYPE html>\n<html>", "web page")]
    [DataRow("\n  <!doctype HTML>", "web page")]
    [DataRow("<html lang=\"en\">", "web page")]
    [DataRow("", "empty")]
    [DataRow("PAR1", "Parquet")]
    [DataRow("version 2", null)]
    [DataRow("{\"html\":1}", null)]
    [DataRow("<s>", null)]
    public void AFileThatIsNotTheRealOneIsRecognized(string content, string? named)
    {
        string? fault = FileStart.Fault(System.Text.Encoding.UTF8.GetBytes(content));
        if (named is null) Assert.IsNull(fault);
        else StringAssert.Contains(fault!, named);
    }

    [TestMethod]
    [DataRow("config.json")]
    [DataRow("generation_config.json")]
    [DataRow("model.safetensors")]
    [DataRow("model.safetensors.index.json")]
    [DataRow("model-00002-of-00002.safetensors")]
    [DataRow("tokenizer.json")]
    [DataRow("tokenizer.model")]
    [DataRow("tokenizer_config.json")]
    [DataRow("special_tokens_map.json")]
    [DataRow("added_tokens.json")]
    [DataRow("vocab.json")]
    [DataRow("merges.txt")]
    [DataRow("gpt2.tiktoken")]
    public void APointerInPlaceOfAnyFileOfAFolderIsNamed(string name)
    {
        bool sharded = name.StartsWith("model", StringComparison.Ordinal) && name != "model.safetensors";
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.Small, maxShardBytes: sharded ? 100000 : long.MaxValue);
        if (name is "vocab.json" or "merges.txt")
            foreach (string other in (string[])["vocab.json", "merges.txt"]) File.WriteAllText(_scratch.File("m/" + other), "{\"a\":0}");
        else if (name.EndsWith("tokens_map.json", StringComparison.Ordinal) || name is "added_tokens.json" or "tokenizer_config.json")
            File.WriteAllText(_scratch.File("m/vocab.json"), "{\"a\":0}");
        File.WriteAllText(_scratch.File("m/" + name), Pointer);

        var e = Assert.ThrowsExactly<InvalidDataException>(() => TestFolders.Load(_scratch.File("m")).Dispose());

        StringAssert.Contains(e.Message, name);
        StringAssert.Contains(e.Message, "it is a Git LFS pointer");
        StringAssert.Contains(e.Message, "\"git lfs pull\"");
    }

    [TestMethod]
    public void APointerInPlaceOfAZipIsNamed()
    {
        string path = _scratch.File("model.zip");
        File.WriteAllText(path, Pointer);
        var e = Assert.ThrowsExactly<InvalidDataException>(() => new MLContext().Reversible().Load(path, out _));
        StringAssert.Contains(e.Message, "model.zip' is not a zip: it is a Git LFS pointer");
    }

    /// <summary>Case 13 of the shared cases.</summary>
    [TestMethod]
    public void TheSharedPointerIsNamedInThePlaceOfWeights()
    {
        string source = TestData.Require("../cases/13-git-lfs-pointer/model");

        var e = Assert.ThrowsExactly<InvalidDataException>(() => TestFolders.Load(source).Dispose());

        StringAssert.Contains(e.Message, "model.safetensors");
        StringAssert.Contains(e.Message, "it is a Git LFS pointer");
    }
}
