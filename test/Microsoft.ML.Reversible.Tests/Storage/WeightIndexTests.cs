using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.Tests.Language;

namespace Microsoft.ML.Reversible.Tests.Storage;

/// <summary>Tests indexes of sharded weights that are damaged or name files outside their folder.</summary>
[TestClass]
public sealed class WeightIndexTests
{
    private const string Tensor = "transformer.ln_f.bias";
    private readonly ScratchFolder _scratch = new();

    [TestInitialize]
    public void Save() => TestFolders.SaveRandom(_scratch.File("m"), TestModels.Small, maxShardBytes: 20000);

    [TestCleanup]
    public void Delete() => _scratch.Dispose();

    [TestMethod]
    [DataRow("../outside.safetensors")]
    [DataRow("..")]
    [DataRow("inner/model.safetensors")]
    [DataRow("inner\\\\model.safetensors")]
    [DataRow("/outside.safetensors")]
    [DataRow("C:outside.safetensors")]
    [DataRow("NUL.safetensors")]
    [DataRow("com1.x.safetensors")]
    [DataRow("config.json")]
    [DataRow(".safetensors")]
    [DataRow("a\\u0000b.safetensors")]
    [DataRow("")]
    public void AFileOutsideTheFolderIsRefusedAndNotOpened(string file)
    {
        string outside = _scratch.File("outside.safetensors");
        File.Copy(Directory.GetFiles(_scratch.File("m"), "*.safetensors")[0], outside);
        using FileStream held = new(outside, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        Change(map => map[Tensor] = JsonNode.Parse($"\"{file}\""));
        StringAssert.Contains(Refused<InvalidDataException>().Message, Tensor);
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("[]")]
    [DataRow("{}")]
    [DataRow("""{"weight_map":[]}""")]
    [DataRow("""{"weight_map":{"a":7}}""")]
    [DataRow("""{"weight_map":{"a":null}}""")]
    [DataRow("""{"weight_map":{"a":"\ud800.safetensors"}}""")]
    [DataRow("""{"weight_map":{"a":"a.safetensors","a":"b.safetensors"}}""")]
    public void AnIndexThatIsNoneIsRefusedByName(string content)
    {
        File.WriteAllText(_scratch.File("m/model.safetensors.index.json"), content);
        StringAssert.Contains(Refused<InvalidDataException>().Message, "model.safetensors.index.json");
    }

    [TestMethod]
    public void AnIndexOfNoTensorsLacksThemAll()
    {
        File.WriteAllText(_scratch.File("m/model.safetensors.index.json"), """{"weight_map":{}}""");
        StringAssert.Contains(Refused<InvalidDataException>().Message, "Missing: wte.weight");
    }

    [TestMethod]
    public void AMissingFileIsNamed()
    {
        string file = Directory.GetFiles(_scratch.File("m"), "*.safetensors").Order().Last();
        File.Delete(file);
        StringAssert.Contains(Refused<FileNotFoundException>().Message, Path.GetFileName(file));
    }

    [TestMethod]
    public void ATensorThatIsNotWhereTheIndexSaysIsNamed()
    {
        Change(map => map[Tensor] = (string?)map["transformer.wte.weight"]);
        string message = Refused<InvalidDataException>().Message;
        StringAssert.Contains(message, $"Not where the index says: {Tensor}");
    }

    [TestMethod]
    public void ATensorThatTheIndexDoesNotKnowIsNamed()
    {
        Change(map => map.Remove(Tensor));
        StringAssert.Contains(Refused<InvalidDataException>().Message, $"Not in the index: {Tensor}");
    }

    [TestMethod]
    public void ATensorInTwoFilesIsNamed()
    {
        string[] files = [.. Directory.GetFiles(_scratch.File("m"), "*.safetensors").Order()];
        File.Copy(files[0], _scratch.File("m/again.safetensors"));
        Change(map => map["more"] = "again.safetensors");
        StringAssert.Contains(Refused<InvalidDataException>().Message, "another file");
    }

    [TestMethod]
    public void ASingleFileGoesBeforeAnIndex()
    {
        TestFolders.SaveRandom(_scratch.File("whole"), TestModels.Small);
        File.Copy(_scratch.File("whole/model.safetensors"), _scratch.File("m/model.safetensors"));
        File.WriteAllText(_scratch.File("m/model.safetensors.index.json"), "damaged");
        TestFolders.Load(_scratch.File("m")).Dispose();
    }

    private void Change(Action<JsonObject> change) => TestFolders.ChangeJson(
        _scratch.File("m/model.safetensors.index.json"), index => change(index["weight_map"]!.AsObject()));

    private T Refused<T>() where T : Exception => Assert.ThrowsExactly<T>(() => TestFolders.Load(_scratch.File("m")).Dispose());
}
