using System.Diagnostics;
using System.Text.Json;
using Microsoft.ML.Reversible.Tests.Storage;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>Tests that the programs of the pages do what the pages say.</summary>
[TestClass]
public sealed class DocumentProgramTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly ScratchFolder _scratch = new();

    [TestCleanup]
    public void Delete() => _scratch.Dispose();

    [TestMethod]
    public void TheReadmesProgramLearnsTheDemosStoriesAndSavesAFolder()
    {
        File.WriteAllLines(_scratch.File("stories.txt"), Quickstart.Stories.Make(count: 4000, seed: 1).Select(story => story.Text));
        using ReversibleLmTransformer model = ReadmeSnippet.Train(_scratch.File("stories.txt"), _scratch.File("model"));
        Assert.AreEqual(1.4, model.Metrics!.ValidationPerplexity!.Value, 0.1);
        using ReversibleLmTransformer loaded = _ml.Reversible().LoadPretrained(_scratch.File("model"));
        Assert.AreEqual(Score(model), Score(loaded));

        float Score(ReversibleLmTransformer of) => Corpus.Scores(_ml, of, "Once upon a time, Lily had a duck.")[0].LogLikelihood;
    }

    [TestMethod]
    public void TheReadmesRetrofitRuns()
    {
        string gpt2 = _scratch.File("gpt2");
        using (ReversibleLmTransformer teacher = Corpus.Train(_ml, o => (o.Scheme, o.ContextLength) = (Scheme.Residual, 32)))
            teacher.SavePretrained(gpt2);
        RetrofitReport report = ReadmeSnippet.Retrofit(_ml, Corpus.View(_ml, Corpus.Rows), gpt2, _scratch.FullName);
        Assert.IsGreaterThan(0.9, report.After!.Top1Agreement);
        using ReversibleLmTransformer student = _ml.Reversible().LoadPretrained(_scratch.File("student"));
        Assert.AreEqual(report.Scheme, student.Scheme);
    }

    [TestMethod]
    public void TheRunOfDaysResumesAndItsFilesAreAsTold()
    {
        File.WriteAllLines(_scratch.File("corpus.txt"), Corpus.Rows);
        Assert.IsNull(TrainingSnippets.Train(_scratch.FullName).ResumedFrom);
        Assert.AreEqual(40, TrainingSnippets.Train(_scratch.FullName).ResumedFrom);

        Document page = Document.Open("docs/training.md");
        string checkpoint = _scratch.File("run/step-00000040");
        CollectionAssert.AreEquivalent(
            page.Rows("file", "holds").SelectMany(row => row[0].Split(", ")).ToArray(),
            Directory.GetFiles(checkpoint).Select(Path.GetFileName).ToArray());

        using JsonDocument state = JsonDocument.Parse(File.ReadAllText(Path.Combine(checkpoint, "training.json")));
        CollectionAssert.AreEquivalent(
            page.Rows("fixed for a run").SelectMany(row => row[1].Split(", ")).ToArray(),
            state.RootElement.GetProperty("Fingerprint").GetProperty("Settings").EnumerateObject()
                .Select(setting => setting.Name).ToArray());

        using JsonDocument last = JsonDocument.Parse(File.ReadLines(_scratch.File("metrics.jsonl")).Last());
        CollectionAssert.AreEqual(
            page.Rows("field", "unit").Where(row => !row[1].StartsWith("on a GPU", StringComparison.Ordinal))
                .SelectMany(row => row[0].Split(", ")).ToArray(),
            last.RootElement.EnumerateObject().Select(field => field.Name).ToArray());

        using ReversibleLmTransformer tuned = TrainingSnippets.FineTune(_ml, Corpus.View(_ml, Corpus.Rows), _scratch.FullName);
        Assert.AreEqual(ModelFamily.Llama, tuned.Configuration.Family);
        foreach (string commands in page.Blocks("sh")) RunInShell(commands);
    }

    [TestMethod]
    public void FoldersLoadWithAndWithoutATokenizer()
    {
        using (ReversibleLmTransformer trained = Corpus.Train(_ml, o => o.MaxSteps = 10)) trained.SavePretrained(_scratch.File("m"));
        using (ModelSnippets.Load(_ml, _scratch.File("m")))
            Assert.IsTrue(File.Exists(_scratch.File("m-half/model.safetensors")));

        string tokenizers = Directory.CreateDirectory(_scratch.File("t")).FullName;
        foreach (string file in new[] { "vocab.json", "merges.txt", "tokenizer_config.json" })
            File.Move(_scratch.File($"m/{file}"), Path.Combine(tokenizers, file));
        string[] texts = ModelSnippets.LoadWithTokenizer(_ml, _scratch.File("m"), tokenizers, InstanceOf(tokenizers));
        Assert.AreEqual(texts[0], texts[1]);
        StringAssert.Matches(texts[2], new(@"^(\d+ ){7}\d+$"));
    }

    [TestMethod]
    public void BothZipsScoreTheSame()
    {
        using ReversibleLmTransformer model = Corpus.Train(_ml, o => o.MaxSteps = 10);
        var (any, scoring, live) = ModelSnippets.Zips(_ml, model, Corpus.View(_ml, Corpus.Rows), _scratch.FullName);
        using var owned = (ReversibleLmTransformer)any;
        using var rehydrated = (ReversibleLmTransformer)live;
        float expected = Corpus.Scores(_ml, model, "the red fox")[0].LogLikelihood;
        foreach (ITransformer loaded in new[] { any, scoring, live })
            Assert.AreEqual(expected, Corpus.Scores(_ml, loaded, "the red fox")[0].LogLikelihood);
    }

    [TestMethod]
    public void AModelsColumnsAreFeaturesOfAClassifier()
    {
        using ReversibleLmTransformer model = Corpus.Train(_ml, o => o.MaxSteps = 30);
        IDataView data = _ml.Data.LoadFromEnumerable(Corpus.Rows.Take(40).Select((text, i) =>
            new { Text = i % 2 == 0 ? text : new string([.. text.Reverse()]), Label = i % 2 == 0 }));
        ITransformer fitted = ModelSnippets.Apply(_ml, model).Fit(data);
        Assert.IsGreaterThan(0.9, _ml.BinaryClassification.Evaluate(fitted.Transform(data)).Accuracy);
    }

    [TestMethod]
    public async Task TextIsGeneratedAtOnceAndPieceByPiece()
    {
        using ReversibleLmTransformer model = Corpus.Train(_ml, o => o.MaxSteps = 10);
        (string text, IReadOnlyList<string> texts) = await ModelSnippets.Generate(model, CancellationToken.None);
        StringAssert.StartsWith(text, "Once upon a time");
        Assert.HasCount(2, texts);
    }

    private static BpeTokenizer InstanceOf(string folder)
    {
        var vocabulary = JsonSerializer.Deserialize<Dictionary<string, int>>(File.ReadAllText(Path.Combine(folder, "vocab.json")))!;
        return BpeTokenizer.Create(new BpeOptions(vocabulary)
        {
            Merges = File.ReadLines(Path.Combine(folder, "merges.txt")).Skip(1),
            ByteLevel = true,
            PreTokenizer = RobertaPreTokenizer.Instance,
        });
    }

    private void RunInShell(string commands)
    {
        if (!OperatingSystem.IsLinux()) return;
        var start = new ProcessStartInfo("sh", ["-ec", commands])
        {
            WorkingDirectory = _scratch.FullName, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using Process shell = Process.Start(start)!;
        Task<string> errors = shell.StandardError.ReadToEndAsync();
        string output = shell.StandardOutput.ReadToEnd();
        shell.WaitForExit();
        Assert.AreEqual(0, shell.ExitCode, commands + output + errors.Result);
    }
}
