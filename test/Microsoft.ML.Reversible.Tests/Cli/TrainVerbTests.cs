using System.Text.Json;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Cli;

[TestClass]
public sealed class TrainVerbTests
{
    private readonly ScratchFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    private string Data => CliRun.WriteText(_folder.File("text.txt"));

    private string Model => _folder.File("model");

    [TestMethod]
    public void ItWritesAModelThatLoadsAndShowsATable()
    {
        CliRun run = CliRun.Of(["train", "--data", Data, "--out", Model, .. CliRun.Quick]);
        Assert.AreEqual(0, run.Code, run.Error);
        StringAssert.Contains(run.Out, "validation loss");
        StringAssert.Contains(run.Out, $"Saved to {Model}");
        StringAssert.Contains(run.Error, "step 12/12, loss ");
        using ReversibleLmTransformer model = new MLContext().Reversible().LoadPretrained(Model);
        Assert.AreEqual(2, model.Configuration.LayerCount);
        Assert.AreEqual(16, model.Configuration.ContextLength);
    }

    [TestMethod]
    public void ItTrainsTheModelThatTheLibraryTrains()
    {
        CliRun.Of(["train", "--data", Data, "--out", Model, .. CliRun.Quick, "--scheme", "leapfrog:0.25", "--learning-rate", "5e-3"]);
        using ReversibleLmTransformer expected = Corpus.Train(new MLContext(seed: 1), o =>
            (o.MaxSteps, o.Scheme) = (12, new Leapfrog(0.25)));
        using ReversibleLmTransformer model = new MLContext().Reversible().LoadPretrained(Model);
        Assert.AreEqual(expected.Scheme, model.Scheme);
        Assert.IsTrue(expected.Network.parameters().Zip(model.Network.parameters(), TestModels.SameBits).All(same => same));
    }

    [TestMethod]
    public void AShortRunAndALowLearningRateNeedNoOtherOption()
    {
        int at = Array.IndexOf(CliRun.Quick, "--warmup-steps");
        string[] quick = [.. CliRun.Quick[..at], .. CliRun.Quick[(at + 2)..]];
        CliRun run = CliRun.Of(
            ["train", "--data", Data, "--out", Model, .. quick, "--learning-rate", "2e-5", "--json", "--report-interval", "1"]);
        Assert.AreEqual(0, run.Code, run.Error);
        Assert.AreEqual(2e-5, run.Json[..^1].Max(line => line.GetProperty("learning_rate").GetDouble()), 1e-6);
        Assert.IsLessThan(3e-6, run.Json[^2].GetProperty("learning_rate").GetDouble());
    }

    [TestMethod]
    public void WithJsonStandardOutputHoldsLinesOfJsonAlone()
    {
        CliRun run = CliRun.Of(["train", "--data", Data, "--out", Model, .. CliRun.Quick, "--json", "--report-interval", "4"]);
        Assert.AreEqual(0, run.Code, run.Error);
        JsonElement[] lines = run.Json;
        CollectionAssert.AreEqual(new[] { 1, 4, 8, 12 }, lines[..^1].Select(line => line.GetProperty("step").GetInt32()).ToArray());
        string[] fields = ["step", "tokens", "loss", "learning_rate", "grad_norm", "tokens_per_s", "host_memory_gib"];
        foreach (JsonElement line in lines[..^1])
            CollectionAssert.AreEqual(fields, line.EnumerateObject().Select(field => field.Name).Take(fields.Length).ToArray());
        CollectionAssert.AreEqual(
            fields.Concat(["validation_loss", "bits_per_byte", "perplexity", "model_step"]).ToArray(),
            lines[^1].EnumerateObject().Select(field => field.Name).ToArray());
        foreach (JsonProperty field in lines[^2].EnumerateObject())
            Assert.AreEqual(field.Value.GetRawText(), lines[^1].GetProperty(field.Name).GetRawText());
        Assert.AreEqual(12, lines[^1].GetProperty("model_step").GetInt32());
        Assert.AreEqual(
            Math.Exp(lines[^1].GetProperty("validation_loss").GetDouble()), lines[^1].GetProperty("perplexity").GetDouble(), 1e-6);
        Assert.IsGreaterThan(0, lines[^1].GetProperty("bits_per_byte").GetDouble());
        StringAssert.Contains(run.Error, "validation loss");
    }

    [TestMethod]
    public void WithoutHeldOutDataTheLastLineHoldsNulls()
    {
        CliRun run = CliRun.Of(["train", "--data", Data, "--out", Model, .. CliRun.Quick, "--json", "--validation-fraction", "0"]);
        Assert.AreEqual(0, run.Code, run.Error);
        Assert.AreEqual(JsonValueKind.Null, run.Json[^1].GetProperty("validation_loss").ValueKind);
        Assert.AreEqual(12, run.Json[^1].GetProperty("step").GetInt32());
    }

    [TestMethod]
    public void WholeFilesAreRowsWhereAskedFor()
    {
        string[] verb = ["train", "--data", Data, "--out", Model, .. CliRun.Quick, "--json", "--validation-fraction", "0.5"];
        CliRun lines = CliRun.Of(verb), files = CliRun.Of([.. verb, "--data-format", "files"]);
        Assert.AreEqual(0, files.Code, files.Error);
        Assert.AreNotEqual(lines.Json[0].GetProperty("loss").GetDouble(), files.Json[0].GetProperty("loss").GetDouble());
    }

    [TestMethod]
    [DataRow("--layer-count must be a whole number, not 'many'", "--layer-count", "many")]
    [DataRow("--layer-count must be at least 1", "--layer-count", "0")]
    [DataRow("--head-count must divide --width, which is 32", "--head-count", "5", "--width", "32")]
    [DataRow("--learning-rate must be a number, not 'fast'", "--learning-rate", "fast")]
    [DataRow("--learning-rate must be positive", "--learning-rate", "-1")]
    [DataRow("--learning-rate must be positive", "--learning-rate", "NaN")]
    [DataRow("--scheme: ", "--scheme", "euler")]
    [DataRow("--activation must be one of gelu, gelu-tanh, relu, not 'swish'", "--activation", "swish")]
    [DataRow("--precision must be one of float32, bfloat16, not '1'", "--precision", "1")]
    [DataRow("did you mean '--layer-count'?", "--layer-cout", "2")]
    [DataRow("There is no option '--nothing-like-it'.", "--nothing-like-it", "2")]
    [DataRow("--width", "--width")]
    [DataRow("cannot be run backwards", "--scheme", "residual", "--backward-mode", "reversible")]
    [DataRow("--activation has no effect in the Llama family", "--family", "llama", "--activation", "relu")]
    [DataRow("'tpu' is not one of cpu, cuda and cuda:N", "--device", "tpu")]
    [DataRow("'mps' has no float64", "--device", "mps", "--arithmetic", "exact")]
    [DataRow("'mps:0' has no float64", "--device", "mps:0")]
    [DataRow("a smaller --context-length", "--context-length", "100000", "--tokenization", "byte")]
    public void AWrongOptionIsRefusedInALine(string named, params string[] options)
    {
        CliRun.Of(["train", "--data", Data, "--out", Model, .. options]).AssertRefused(named);
        Assert.IsFalse(Directory.Exists(Model));
    }

    [TestMethod]
    public void AMissingGpuIsRefused()
    {
        if (TorchSharp.torch.cuda.is_available()) Assert.Inconclusive("This machine has a CUDA device.");
        CliRun.Of("train", "--data", Data, "--out", Model, "--device", "cuda").AssertRefused("finds no CUDA device");
    }

    [TestMethod]
    public void DataThatIsMissingIsRefusedByName()
    {
        CliRun.Of("train", "--data", Data, _folder.File("none.txt"), "--out", Model).AssertRefused("none.txt");
        CliRun.Of("train", "--data", _folder.FullName, "--out", Model).AssertRefused("folder");
        CliRun.Of("train", "--out", Model).AssertRefused("--data");
        CliRun.Of("train", "--data", Data).AssertRefused("--out");
        File.WriteAllText(_folder.File("empty.txt"), "");
        CliRun.Of("train", "--data", _folder.File("empty.txt"), "--out", Model).AssertRefused("no rows");
    }

    [TestMethod]
    public void AnOutputThatCannotBeWrittenIsRefusedBeforeTheRun()
    {
        string data = Data;
        CliRun.Of("train", "--data", data, "--out", data).AssertRefused("is a file");
        CliRun.Of("train", "--data", data, "--out", Path.Combine(data, "below")).AssertRefused("cannot be written");
        CliRun.Of("train", "--data", data, "--out", _folder.FullName).AssertRefused("has other files");
        CliRun.Of("train", "--data", data, "--out", " ").AssertRefused("--out");
        CollectionAssert.AreEqual(new[] { "text.txt" }, _folder.Entries);
    }

    [TestMethod]
    public void AModelIsReplacedByTheNextRun()
    {
        CliRun.Of(["train", "--data", Data, "--out", Model, .. CliRun.Quick]);
        CliRun again = CliRun.Of(["train", "--data", Data, "--out", Model, .. CliRun.Quick, "--activation", "relu"]);
        Assert.AreEqual(0, again.Code, again.Error);
        StringAssert.Contains(File.ReadAllText(Path.Combine(Model, "config.json")), "relu");
    }

    [TestMethod]
    public void ARunThatFailsAfterItsFirstStepEndsWithCodeTwo()
    {
        CliRun run = CliRun.Of(
            ["train", "--data", Data, "--out", Model, .. CliRun.Quick, "--learning-rate", "1e30", "--report-interval", "1"]);
        Assert.AreEqual(2, run.Code, run.Error);
        StringAssert.StartsWith(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1], "reversible: ");
        Assert.IsFalse(Directory.Exists(Model));
    }

    [TestMethod]
    public void ACancelledRunSaysSoAndLeavesTheOldModel()
    {
        CliRun.Of(["train", "--data", Data, "--out", Model, .. CliRun.Quick]);
        byte[] before = File.ReadAllBytes(Path.Combine(Model, "model.safetensors"));
        CliRun run = CliRun.With("", new CancellationToken(canceled: true), ["train", "--data", Data, "--out", Model, .. CliRun.Quick]);
        Assert.AreEqual((130, "reversible: Stopped before the first step. Nothing was saved."), (run.Code, run.Error.TrimEnd()));
        CollectionAssert.AreEqual(before, File.ReadAllBytes(Path.Combine(Model, "model.safetensors")));
    }
}
