using System.Text;
using System.Text.Json;
using Microsoft.ML.Reversible.Cli.Options;
using Microsoft.ML.Reversible.Tests.Models;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Cli;

/// <summary>The verbs that run a saved model.</summary>
[TestClass]
public sealed class ModelVerbsTests
{
    private static readonly ScratchFolder _folder = new();
    private static ReversibleLmTransformer _model = null!;

    private static string Model => _folder.File("model");

    private static string Data => _folder.File("text.txt");

    [ClassInitialize]
    public static void Train(TestContext _)
    {
        _model = Corpus.Train(new MLContext(seed: 1), o => o.MaxSteps = 30);
        _model.SavePretrained(Model);
        CliRun.WriteText(Data, rows: 12);
    }

    [ClassCleanup]
    public static void Free()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [TestMethod]
    [DataRow("the red")]
    [DataRow("")]
    [DataRow("@the 漢字 🦊")]
    public void GenerateWritesPromptAndContinuationAndNothingElse(string prompt)
    {
        CliRun run = CliRun.Of(
            "generate", "--model", Model, "--prompt", prompt, "--max-tokens", "20", "--temperature", "0.9", "--seed", "4");
        Assert.AreEqual((0, ""), (run.Code, run.Error));
        Assert.AreEqual(_model.Generate(prompt, maxTokens: 20, temperature: 0.9, seed: 4), run.Out);
    }

    [TestMethod]
    [DataRow("the red fox\n", "the red fox")]
    [DataRow("the red fox\r\n", "the red fox")]
    [DataRow("two\nlines\n\n", "two\nlines\n")]
    public void GenerateReadsItsPromptFromStandardInput(string input, string prompt)
    {
        CliRun run = CliRun.With(input, default, "generate", "--model", Model, "--max-tokens", "8", "--temperature", "0");
        Assert.AreEqual((0, ""), (run.Code, run.Error));
        Assert.AreEqual(_model.Generate(prompt, maxTokens: 8, temperature: 0), run.Out);
    }

    [TestMethod]
    public void GenerateRefusesStandardInputThatIsNoText()
    {
        var strict = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
        using var input = new StreamReader(new MemoryStream([(byte)'a', 0xFF]), strict);
        var e = Assert.ThrowsExactly<InvalidDataException>(() => StrictText.All(input, "Standard input"));
        Assert.AreEqual("Standard input is not text in UTF-8. Convert it to UTF-8.", e.Message);
    }

    [TestMethod]
    public void GenerateStopsAtAnyOfSeveralTexts()
    {
        var options = new GenerationOptions { MaxTokens = 60, Temperature = 0.7, Seed = 2, StopStrings = ["o", "x "] };
        CliRun run = CliRun.Of(
            "generate", "--model", Model, "--prompt", "the", "--max-tokens", "60", "--temperature", "0.7", "--seed", "2", "--stop", "o",
            "--stop", "x ");
        Assert.AreEqual(_model.Generate("the", options), run.Out);
        Assert.AreEqual(0, run.Code);
    }

    [TestMethod]
    [DataRow("--temperature must be at least 0", "--temperature", "-1")]
    [DataRow("--top-p must be within (0, 1]", "--top-p", "0")]
    [DataRow("--top-k must be a whole number", "--top-k", "some")]
    [DataRow("--max-tokens must be at least 0", "--max-tokens", "-1")]
    [DataRow("did you mean '--prompt'?", "--promt", "x")]
    public void GenerateRefusesAWrongOptionBeforeItWrites(string named, params string[] options) =>
        CliRun.Of(["generate", "--model", Model, .. options]).AssertRefused(named);

    [TestMethod]
    public void ACancelledGenerationEndsWithTheCodeOfAnInterruption() =>
        Assert.AreEqual(130, CliRun.With("", new CancellationToken(canceled: true), "generate", "--model", Model, "--prompt", "the").Code);

    [TestMethod]
    public void ExportWritesAFileOfTheTypeOrSaysWhyNot()
    {
        string standard = _folder.File("standard"), file = _folder.File("m.gguf");
        using (ReversibleLmTransformer model = Corpus.Train(new MLContext(seed: 1), o => (o.MaxSteps, o.Scheme) = (1, Scheme.Residual)))
            model.SavePretrained(standard);
        CliRun run = CliRun.Of("export", "--model", standard, "--gguf", file);
        Assert.AreEqual(0, run.Code, run.Error);
        StringAssert.StartsWith(run.Out, file + ": ");
        CollectionAssert.AreEqual("GGUF"u8.ToArray(), File.ReadAllBytes(file)[..4]);
        CliRun.Of("export", "--model", standard, "--gguf", file, "--type", "int8").AssertRefused("f16, bf16, f32");
        CliRun.Of("export", "--model", standard, "--gguf", standard).AssertRefused("is a folder");
        CliRun.Of("export", "--model", Model, "--gguf", _folder.File("other.gguf")).AssertRefused("residual or bdia");
        Assert.IsFalse(File.Exists(_folder.File("other.gguf")));
    }

    [TestMethod]
    public void AnAdapterIsLoadedOntoTheModel()
    {
        string adapter = _folder.File("adapter");
        Adapters.Save(_model.Network, adapter, deviation: 1);
        using ReversibleLmTransformer adapted = _model.LoadAdapter(adapter);
        string text = adapted.Generate("the", maxTokens: 20, temperature: 0);
        Assert.AreNotEqual(_model.Generate("the", maxTokens: 20, temperature: 0), text);
        CliRun run = CliRun.Of(
            "generate", "--model", Model, "--adapter", adapter, "--prompt", "the", "--max-tokens", "20", "--temperature", "0");
        Assert.AreEqual((0, "", text), (run.Code, run.Error, run.Out));
        CliRun.Of("generate", "--model", Model, "--adapter", _folder.File("none"), "--prompt", "x").AssertRefused("--adapter");
        CliRun.Of("generate", "--model", Model, "--adapter", Data, "--prompt", "x").AssertRefused("the adapter's adapter_config.json");
        CliRun.Of("generate", "--model", Model, "--adapter", Model, "--prompt", "x").AssertRefused("no file 'adapter_config.json'");
    }

    [TestMethod]
    public void ScoreGivesTheSumsOfThePipelinesColumns()
    {
        CliRun run = CliRun.Of("score", "--model", Model, "--data", Data, "--json");
        Assert.AreEqual(0, run.Code, run.Error);
        JsonElement line = run.Json.Single();
        CollectionAssert.AreEqual(
            new[] { "rows", "tokens", "nats_per_token", "bits_per_byte", "perplexity" },
            line.EnumerateObject().Select(field => field.Name).ToArray());
        string[] rows = File.ReadAllLines(Data);
        Corpus.ScoredRow[] scored = Corpus.Scores(new MLContext(), _model, rows);
        double nats = -scored.Sum(row => (double)row.LogLikelihood);
        long tokens = scored.Sum(row => row.TokenCount), bytes = rows.Sum(Encoding.UTF8.GetByteCount);
        Assert.AreEqual((rows.Length, tokens), (line.GetProperty("rows").GetInt32(), line.GetProperty("tokens").GetInt64()));
        Assert.AreEqual(nats / tokens, line.GetProperty("nats_per_token").GetDouble(), 1e-9);
        Assert.AreEqual(nats / Math.Log(2) / bytes, line.GetProperty("bits_per_byte").GetDouble(), 1e-9);
        Assert.AreEqual(Math.Exp(nats / tokens), line.GetProperty("perplexity").GetDouble(), 1e-6);
    }

    [TestMethod]
    public void ScoreShowsATableToPeople()
    {
        CliRun run = CliRun.Of("score", "--model", Model, "--data", Data, Data);
        Assert.AreEqual(0, run.Code, run.Error);
        StringAssert.Contains(run.Out, "bits per byte");
        StringAssert.Contains(run.Out, " 24 ");
    }

    [TestMethod]
    public void ScoreRefusesDataWithoutText()
    {
        string empty = _folder.File("empty.txt");
        File.WriteAllText(empty, "\n\n");
        CliRun.Of("score", "--model", Model, "--data", empty).AssertRefused("no text");
    }

    [TestMethod]
    public void StabilityReportsEachLayerAndAVerdict()
    {
        string[] verb = ["stability", "--model", Model, "--data", Data, "--window-count", "1", "--krylov-dimension", "4"];
        CliRun table = CliRun.Of(verb), json = CliRun.Of([.. verb, "--json"]);
        Assert.AreEqual((0, 0), (table.Code, json.Code), table.Error + json.Error);
        MLContext ml = new(seed: 1);
        StabilityReport expected = ml.Reversible().AnalyzeStability(
            _model, Corpus.View(ml, File.ReadAllLines(Data)), windowCount: 1, krylovDimension: 4);
        Assert.AreEqual(expected.ToString(), table.Out);
        JsonElement[] lines = json.Json;
        CollectionAssert.AreEqual(new[] { 0, 1 }, lines[..^1].Select(line => line.GetProperty("layer").GetInt32()).ToArray());
        Assert.AreEqual(expected.Layers[1].ForwardGrowth, lines[1].GetProperty("forward_growth").GetDouble());
        Assert.AreEqual(expected.Layers[1].GrowsLinearly, lines[1].GetProperty("grows_linearly").GetBoolean());
        Assert.AreEqual(expected.Stack.Forward, lines[^1].GetProperty("stack_forward").GetDouble());
        Assert.AreEqual(expected.Stack.Backward, lines[^1].GetProperty("stack_backward").GetDouble());
        Assert.AreEqual(expected.Verdict, lines[^1].GetProperty("verdict").GetString());
        CliRun.Of([.. verb[..^1], "0"]).AssertRefused("--krylov-dimension must be at least 1");
    }

    [TestMethod]
    public void AModelWithoutATokenizerNeedsOneNamed()
    {
        string bare = _folder.File("bare");
        Directory.CreateDirectory(bare);
        foreach (string file in new[] { "config.json", "model.safetensors" })
            File.Copy(Path.Combine(Model, file), Path.Combine(bare, file));
        CliRun.Of("generate", "--model", bare, "--prompt", "the").AssertRefused("bare", "--tokenizer");
        CliRun run = CliRun.Of("generate", "--model", bare, "--tokenizer", Model, "--prompt", "the", "--temperature", "0");
        Assert.AreEqual((0, ""), (run.Code, run.Error));
        Assert.AreEqual(_model.Generate("the", temperature: 0), run.Out);
    }

    [TestMethod]
    public void AModelThatIsMissingOrDamagedIsRefusedByName()
    {
        CliRun.Of("generate", "--model", _folder.File("none"), "--prompt", "x").AssertRefused("none");
        CliRun.Of("score", "--data", Data).AssertRefused("--model");
        Directory.CreateDirectory(_folder.File("damaged"));
        File.WriteAllText(_folder.File("damaged/config.json"), "{");
        CliRun.Of("score", "--model", _folder.File("damaged"), "--data", Data).AssertRefused("config.json");
    }
}
