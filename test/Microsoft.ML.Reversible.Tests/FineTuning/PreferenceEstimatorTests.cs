using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Tests.Storage;
using Microsoft.ML.Reversible.Tests.Training;

namespace Microsoft.ML.Reversible.Tests.FineTuning;

[TestClass]
public sealed class PreferenceEstimatorTests
{
    private static readonly MLContext Ml = new(seed: 1);
    private readonly ScratchFolder _scratch = new();

    [TestCleanup]
    public void Delete() => _scratch.Dispose();

    private sealed class PromptRow
    {
        public string Prompt { get; set; } = "";

        public string Good { get; set; } = "";

        public string Bad { get; set; } = "";
    }

    [TestMethod]
    [DataRow(false, false)]
    [DataRow(true, false)]
    [DataRow(true, true)]
    public void TheChosenAnswersBecomeMoreLikelyThanTheRejected(bool lora, bool given)
    {
        byte[][] before = [.. Chats.Model.Network.parameters().Select(weight => weight.bytes.ToArray())];
        using ReversibleLmTransformer model = Preferences.Fit(o =>
        {
            (o.MaxSteps, o.LearningRate, o.EvaluationInterval) = (60, lora ? 5e-3 : 1e-3, 20);
            if (lora) o.LoraRank = 2;
            if (given) (o.ModelPath, o.Model) = (null, Chats.Model);
        });
        IReadOnlyList<TrainingProgress> history = model.Metrics!.History;
        // At the first step the model is its reference.
        Assert.AreEqual(Math.Log(2), history[0].Loss, 1e-4);
        double[] margins = [.. history.Where(p => p.ValidationLoss is not null).Select(p => p.ValidationFigures["margin"])];
        Assert.HasCount(3, margins);
        Assert.IsTrue(0 < margins[0] && margins[0] < margins[1] && margins[1] < margins[2], string.Join(", ", margins));
        Assert.AreEqual(1.0, history[^1].ValidationFigures["accuracy"]);
        Assert.AreEqual(
            margins[2], history[^1].ValidationFigures["chosen_reward"] - history[^1].ValidationFigures["rejected_reward"], 1e-9);
        Assert.IsLessThan(0.4, model.Metrics.ValidationLoss!.Value);
        Assert.AreEqual("pairs", history[^1].Unit);
        Assert.AreEqual(120, model.Metrics.UnitCount);
        Assert.AreEqual(lora, model.HasAdapter);
        foreach (var (bytes, weight) in before.Zip(Chats.Model.Network.parameters()))
            Assert.IsTrue(bytes.AsSpan().SequenceEqual(weight.bytes), "the model to start from has changed");
    }

    public static IEnumerable<object[]> Runs =>
    [
        ["all weights", Set(_ => { })],
        ["an adapter", Set(o => o.LoraRank = 2)],
        ["an adapter in exact arithmetic",
            Set(o => (o.LoraRank, o.Scheme, o.Arithmetic) = (2, Scheme.Midpoint, Arithmetic.Exact))],
        ["drawn factors", Set(o => (o.LoraRank, o.Scheme) = (2, Scheme.MidpointA))],
        ["all weights with drawn factors", Set(o => o.Scheme = Scheme.MidpointA)],
        ["a converted model", Set(o => o.Scheme = Bdia.Blend(16))],
        ["the chosen answers' loss", Set(o => (o.SftWeight, o.LabelSmoothing) = (0.5, 0.1))],
    ];

    [TestMethod]
    [DynamicData(nameof(Runs))]
    public void ACancelledRunGoesOnToTheBit(string name, Action<PreferenceEstimator.Options> change)
    {
        using ReversibleLmTransformer whole = Preferences.Fit(change);
        if (!name.Contains("chosen")) Assert.AreEqual(Math.Log(2), whole.Metrics!.History[0].Loss, 1e-4, name);
        using var source = new CancellationTokenSource();
        Assert.ThrowsExactly<OperationCanceledException>(() => Preferences.Fit(o =>
        {
            change(o);
            (o.CheckpointFolder, o.Progress, o.CancellationToken) = (_scratch.FullName, RunOptions.At(5, source.Cancel), source.Token);
        }));
        using ReversibleLmTransformer resumed = Preferences.Fit(o =>
        {
            change(o);
            o.CheckpointFolder = _scratch.FullName;
        });
        Assert.AreEqual(5, resumed.Metrics!.ResumedFrom);
        RunOptions.AssertSame(whole, resumed);
    }

    [TestMethod]
    public void AnotherReferenceIsRefused()
    {
        Preferences.Fit(o => o.CheckpointFolder = _scratch.FullName).Dispose();
        using ReversibleLmTransformer other = Chats.Fit(o => o.MaxSteps = 1);
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(
                () => Preferences.Fit(o => (o.CheckpointFolder, o.ModelPath, o.Model) = (_scratch.FullName, null, other))).Message,
            "Base was ");
    }

    [TestMethod]
    public void InExactArithmeticAllBackwardModesGiveTheSameWeights()
    {
        List<ReversibleLmTransformer> models = [];
        foreach (BackwardMode mode in Enum.GetValues<BackwardMode>())
            models.Add(Preferences.Fit(o =>
                (o.MaxSteps, o.Scheme, o.Arithmetic, o.BackwardMode) = (4, Scheme.Leapfrog, Arithmetic.Exact, mode)));
        foreach (ReversibleLmTransformer other in models.Skip(1)) RunOptions.AssertSame(models[0], other);
        models.ForEach(model => model.Dispose());
    }

    [TestMethod]
    public void TheReportCountsWhatIsTruncatedAndLeftOut()
    {
        var reports = new List<PreferenceReport>();
        PreferenceRow same = Row("a", "b", "b"), longPrompt = Row(new string('x', 60), "y", "z"), empty = Row("a", "", "b");
        using ReversibleLmTransformer model = Preferences.Fit(
            o => (o.MaxSteps, o.PairProgress) = (2, new Listener(reports)), [same, longPrompt, empty, .. Preferences.Rows]);
        PreferenceReport report = reports.Single();
        Assert.AreEqual((42, 1, 1), (report.PairCount + report.ValidationPairCount, report.TruncatedCount, report.DroppedCount));
        Assert.AreEqual(5, report.ValidationPairCount);
        Assert.AreEqual(model.Configuration.ParameterCount, report.TrainableParameterCount);
        StringAssert.Contains(report.ToString(), "1 pairs are longer than the context and were truncated");
        StringAssert.Contains(report.ToString(), "1 pairs were left out: their two answers are the same");
        StringAssert.Contains(report.ToJson(), "\"truncated\":1,\"dropped\":1,");
    }

    [TestMethod]
    public void PromptsMayBeATextColumnAndOtherPairsAreHeldOut()
    {
        IDataView data = Ml.Data.LoadFromEnumerable(Preferences.Rows.Select(row => new PromptRow
        {
            Prompt = row.Texts[0], Good = row.Chosen, Bad = row.Rejected,
        }));
        PreferenceEstimator.Options options = Preferences.Quick;
        (options.PromptColumnName, options.ChosenColumnName, options.RejectedColumnName) = ("Prompt", "Good", "Bad");
        PreferenceEstimator estimator = Ml.Reversible().AlignPreferences(options);
        using ReversibleLmTransformer model = estimator.Fit(data, data);
        Assert.AreEqual(40, model.Metrics!.ValidationUnitCount);
        DataViewSchema schema = model.Transform(data).Schema;
        foreach (SchemaShape.Column column in estimator.GetOutputSchema(Reversible.MLNet.SchemaShapes.From(data.Schema)))
            Assert.IsNotNull(schema.GetColumnOrNull(column.Name), column.Name);
        float[] likelihoods = [.. model.Transform(data).GetColumn<float>("LogLikelihood")];
        Assert.IsTrue(likelihoods.All(value => value < 0));
    }

    [TestMethod]
    public void ASavedAdapterGivesTheSameModel()
    {
        using ReversibleLmTransformer model = Preferences.Fit(o => o.LoraRank = 2);
        model.SaveAdapter(_scratch.File("adapter"));
        using ReversibleLmTransformer loaded = Chats.Model.LoadAdapter(_scratch.File("adapter"));
        Assert.AreEqual(
            model.Generate("[INST] who 1? [/INST]", maxTokens: 20, temperature: 0),
            loaded.Generate("[INST] who 1? [/INST]", maxTokens: 20, temperature: 0));
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void NoTensorsAreLeft(bool lora)
    {
        Action<PreferenceEstimator.Options> change = o => (o.MaxSteps, o.LoraRank) = (2, lora ? 2 : null);
        Preferences.Fit(change).Dispose();
        long before = TestModels.LiveTensors();
        Preferences.Fit(change).Dispose();
        Assert.ThrowsExactly<InvalidOperationException>(() => Preferences.Fit(change, Row("a", "b", "b")));
        Assert.ThrowsExactly<TimeZoneNotFoundException>(() => Preferences.Fit(o =>
        {
            change(o);
            o.Progress = RunOptions.At(1, () => throw new TimeZoneNotFoundException());
        }));
        Assert.AreEqual(before, TestModels.LiveTensors());
    }

    [TestMethod]
    public void WrongRowsAreNamed()
    {
        var robot = new PreferenceRow { Roles = ["robot"], Texts = ["x"], Chosen = "b", Rejected = "c" };
        Refuse<InvalidDataException>("Row 1, counted from 0", Row("a", "b", "c"), robot);
        Refuse<InvalidDataException>("the prompt is empty", new PreferenceRow { Chosen = "b", Rejected = "c" });
        Refuse<InvalidOperationException>("no pair of answers to learn from", Row("a", "b", "b"));
        Refuse<InvalidOperationException>("has one pair of answers", Row("a", "b", "c"));
        var e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => Ml.Reversible().AlignPreferences(Preferences.Quick).Fit(Chats.View(Chats.Rows)));
        StringAssert.Contains(e.Message, "Chosen");

        static void Refuse<T>(string why, params PreferenceRow[] rows) where T : Exception =>
            StringAssert.Contains(Assert.ThrowsExactly<T>(() => Preferences.Fit(null, rows)).Message, why);
    }

    private static PreferenceRow Row(string prompt, string chosen, string rejected) =>
        new() { Roles = ["user"], Texts = [prompt], Chosen = chosen, Rejected = rejected };

    private static Action<PreferenceEstimator.Options> Set(Action<PreferenceEstimator.Options> change) => change;

    private sealed class Listener(List<PreferenceReport> reports) : IProgress<PreferenceReport>
    {
        public void Report(PreferenceReport value) => reports.Add(value);
    }
}
