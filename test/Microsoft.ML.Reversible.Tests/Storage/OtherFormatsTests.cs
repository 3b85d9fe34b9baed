using Microsoft.ML.Reversible.Tests.Language;

namespace Microsoft.ML.Reversible.Tests.Storage;

/// <summary>Tests folders whose weights are in a format that is not read.</summary>
[TestClass]
public sealed class OtherFormatsTests
{
    private readonly ScratchFolder _scratch = new();

    [TestCleanup]
    public void Delete() => _scratch.Dispose();

    [TestMethod]
    [DataRow("pytorch_model.bin", "safe_serialization=True")]
    [DataRow("pytorch_model-00001-of-00002.bin", "safe_serialization=True")]
    [DataRow("consolidated.00.pth", "convert_llama_weights_to_hf")]
    [DataRow("tiny.Q4_0.gguf", "gguf_file=name")]
    [DataRow("tf_model.h5", "from_tf=True")]
    [DataRow("flax_model.msgpack", "from_flax=True")]
    [DataRow("model.onnx", "download the model")]
    [DataRow("adapter_model.safetensors", "LoadAdapter")]
    [DataRow("model-00001-of-00002.safetensors", "need the index model.safetensors.index.json")]
    [DataRow("weights.safetensors", "not named model.safetensors")]
    public void TheFileThatIsThereInsteadIsNamedWithWhatToDo(string file, string advice)
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.Small);
        File.Delete(_scratch.File("m/model.safetensors"));
        File.WriteAllText(_scratch.File("m/" + file), "x");
        AssertNamed("model.safetensors", file, advice);
        File.Delete(_scratch.File("m/config.json"));
        AssertNamed("config.json", file, advice);
    }

    [TestMethod]
    public void AFolderWithoutWeightsLacksThem()
    {
        TestFolders.SaveRandom(_scratch.File("m"), TestModels.Small);
        File.Delete(_scratch.File("m/model.safetensors"));
        var e = Assert.ThrowsExactly<FileNotFoundException>(() => TestFolders.Load(_scratch.File("m")).Dispose());
        StringAssert.EndsWith(e.Message, "lacks the file 'model.safetensors'.");
    }

    private void AssertNamed(string missing, string file, string advice)
    {
        var e = Assert.ThrowsExactly<FileNotFoundException>(() => TestFolders.Load(_scratch.File("m")).Dispose());
        foreach (string part in (string[])[missing, $"It has '{file}'", advice]) StringAssert.Contains(e.Message, part);
    }
}
