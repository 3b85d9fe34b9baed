using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class BadInputTests
{
    private readonly MLContext _ml = new(seed: 1) { FallbackToCpu = false };

    private sealed class Numbers
    {
        public float Text { get; set; }
    }

    private sealed class TokenIds
    {
        public int[] Text { get; set; } = [];
    }

    public static IEnumerable<object[]> BadOptions =>
    [
        Bad("LayerCount", o => o.LayerCount = 0),
        Bad("HeadCount", o => o.HeadCount = 0),
        Bad("HeadCount", o => o.HeadCount = 3, "divide Width"),
        Bad("Width", o => o.Width = -1),
        Bad("ContextLength", o => o.ContextLength = 0),
        Bad("VocabularySize", o => o.VocabularySize = 0, "at least 1"),
        Bad("BatchSize", o => o.BatchSize = 0),
        Bad("BatchSize", o => o.BatchSize = int.MaxValue, "2^30"),
        Bad("GradientAccumulationSteps", o => o.GradientAccumulationSteps = 0),
        Bad("MaxSteps", o => o.MaxSteps = 0),
        Bad("MaxEpochs", o => o.MaxEpochs = 0, "positive"),
        Bad("MaxEpochs", o => o.MaxEpochs = double.PositiveInfinity, "finite"),
        Bad("WarmupSteps", o => o.WarmupSteps = -1, "[0, MaxSteps], which is 20"),
        Bad("WarmupSteps", o => (o.MaxSteps, o.MaxEpochs, o.WarmupSteps) = (null, 1, -1), "at least 0"),
        Bad("LearningRate", o => o.LearningRate = double.NaN),
        Bad("LearningRate", o => o.LearningRate = 0),
        Bad("FinalLearningRate", o => o.FinalLearningRate = 1, "LearningRate"),
        Bad("WarmupSteps", o => o.WarmupSteps = 21, "MaxSteps"),
        Bad("WeightDecay", o => o.WeightDecay = -1),
        Bad("Beta1", o => o.Beta1 = 1, "[0, 1)"),
        Bad("Beta2", o => o.Beta2 = -0.1, "[0, 1)"),
        Bad("Epsilon", o => o.Epsilon = 0),
        Bad("MaxGradNorm", o => o.MaxGradNorm = -1),
        Bad("ValidationFraction", o => o.ValidationFraction = 1, "[0, 1)"),
        Bad("EvaluationInterval", o => o.EvaluationInterval = 0),
        Bad("EvaluationBatches", o => o.EvaluationBatches = 0),
        Bad("ReportInterval", o => o.ReportInterval = 0),
        Bad("MlpWidth", o => o.MlpWidth = 0),
        Bad("KeyValueHeadCount", o => (o.Family, o.KeyValueHeadCount) = (ModelFamily.Llama, 3), "HeadCount"),
        Bad("KeyValueHeadCount", o => o.KeyValueHeadCount = 1, "Llama"),
        Bad("HeadWidth", o => (o.Family, o.HeadCount) = (ModelFamily.Llama, 32), "even"),
        Bad("Family", o => o.Family = (ModelFamily)99, "Llama"),
        Bad("Arithmetic", o => o.Arithmetic = (Arithmetic)9, "Exact"),
        Bad("Arithmetic", o => (o.Scheme, o.Arithmetic) = (Scheme.MidpointA, Arithmetic.Exact), "Float"),
        Bad("PretrainedFolder", o => o.PretrainedFolder = " "),
        Bad("TokenizerPath", o => o.TokenizerPath = ""),
        Bad("TokenCachePath", o => o.TokenCachePath = " "),
        Bad("EndOfTextId", o => o.EndOfTextId = -1),
        Bad("DocumentBoundaries", o => o.DocumentBoundaries = (DocumentBoundaries)9, "Respect"),
        Bad("Schedule", o => o.Schedule = (LearningRateScheduleKind)9, "Cosine"),
        Bad("DecaySteps", o => o.DecaySteps = 0),
        Bad("DecaySteps", o => o.DecaySteps = 19, "18"),
        Bad("LabelSmoothing", o => o.LabelSmoothing = 1, "[0, 1)"),
        Bad("Dropout", o => o.Dropout = 1, "[0, 1)"),
        Bad("AttentionDropout", o => o.AttentionDropout = double.NaN, "[0, 1)"),
        Bad("OptimizerPlacement", o => o.OptimizerPlacement = (OptimizerPlacement)9, "InsideBackward"),
        Bad(
            "MaxGradNorm", o => (o.OptimizerPlacement, o.ClipWithPreviousNorm) = (OptimizerPlacement.InsideBackward, false),
            "ClipWithPreviousNorm"),
        Bad(
            "GradientAccumulationSteps",
            o => (o.OptimizerPlacement, o.MaxGradNorm, o.GradientAccumulationSteps) = (OptimizerPlacement.InsideBackward, 0, 2)),
        Bad("OutlierFactor", o => o.OutlierFactor = 1, "above 1"),
        Bad("MaxSkippedSteps", o => o.MaxSkippedSteps = 0),
        Bad("KeptLayerCount", o => o.KeptLayerCount = -1, "at least 0"),
        Bad("FrozenLayerCount", o => o.FrozenLayerCount = -1, "at least 0"),
        Bad("EarlyStoppingPatience", o => o.EarlyStoppingPatience = -1),
        Bad("EarlyStoppingPatience", o => (o.EarlyStoppingPatience, o.ValidationFraction) = (1, 0), "ValidationFraction"),
        Bad("ReturnBest", o => o.ReturnBest = true, "CheckpointFolder"),
        Bad("ReturnBest", o => (o.ReturnBest, o.ValidationFraction, o.CheckpointFolder) = (true, 0, "x"), "ValidationFraction"),
        Bad("MetricsPath", o => o.MetricsPath = ""),
        Bad("TensorBoardFolder", o => o.TensorBoardFolder = " "),
        Bad("CheckpointFolder", o => o.CheckpointFolder = " "),
        Bad("CheckpointInterval", o => o.CheckpointInterval = 0),
        Bad("CheckpointsKept", o => o.CheckpointsKept = 0),
        Bad("Resume", o => o.Resume = (ResumeMode)9, "Required"),
        Bad("Resume", o => o.Resume = ResumeMode.Required, "CheckpointFolder"),
        Bad("DamagedCheckpoint", o => o.DamagedCheckpoint = (DamagedCheckpoint)9, "UsePrevious"),
        Bad("LogLikelihoodColumnName", o => o.LogLikelihoodColumnName = ""),
        Bad("TokenCountColumnName", o => o.TokenCountColumnName = ""),
        Bad("PerplexityColumnName", o => o.PerplexityColumnName = ""),
        Bad("Activation", o => o.Activation = (Activation)9, "Gelu"),
        Bad("Tokenization", o => o.Tokenization = (TextTokenization)9, "Bpe"),
        Bad("Precision", o => o.Precision = (Precision)9, "Float32"),
        Bad("BackwardMode", o => o.BackwardMode = (BackwardMode)9, "Stored"),
        Bad("BackwardMode", o => (o.Scheme, o.BackwardMode) = (Scheme.Residual, BackwardMode.Reversible), "residual"),
        Bad("Scheme", o => o.Scheme = null!),
        Bad("Device", o => o.Device = "gpu", "cuda"),
        Bad("TextColumnName", o => o.TextColumnName = " "),
        Bad("output columns", o => o.PerplexityColumnName = o.TokenCountColumnName, "different"),
    ];

    private static object[] Bad(string option, Action<ReversibleLmTrainer.Options> change, string range = "") => [option, change, range];

    [TestMethod]
    [DynamicData(nameof(BadOptions))]
    public void ABadOptionIsRefusedAtConstructionByNameAndRange(string option, Action<ReversibleLmTrainer.Options> change, string range)
    {
        ReversibleLmTrainer.Options options = Corpus.QuickOptions;
        change(options);
        var e = Assert.Throws<ArgumentException>(() => _ml.Reversible().LanguageModel(options));
        StringAssert.Contains(e.Message.ToUpperInvariant(), option.ToUpperInvariant());
        StringAssert.Contains(e.Message, range);
    }

    [TestMethod]
    public void EveryOptionThatCanBeBadHasABadValueAbove()
    {
        Type[] neverBad = [
            typeof(bool), typeof(bool?), typeof(CancellationToken), typeof(IProgress<TrainingProgress>),
            typeof(IProgress<TokenizationProgress>),
            typeof(Microsoft.ML.Tokenizers.Tokenizer)];
        string[] covered = [.. BadOptions.Select(bad => (string)bad[0])];
        string[] missing = [.. typeof(ReversibleLmTrainer.Options).GetProperties()
            .Where(p => !neverBad.Contains(p.PropertyType) && !covered.Contains(p.Name))
            .Where(p => p.Name != nameof(ReversibleLmTrainer.Options.Seed))
            .Select(p => p.Name)];
        Assert.IsEmpty(missing, string.Join(", ", missing));
    }

    [TestMethod]
    public void AMissingColumnIsNamedInTheWordsOfMlNet()
    {
        var trainer = _ml.Reversible().LanguageModel(textColumnName: "Body");
        var e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => trainer.Fit(Corpus.View(_ml, Corpus.Rows)));
        StringAssert.StartsWith(e.Message, "Could not find text column 'Body'");
    }

    [TestMethod]
    public void AColumnThatIsNotTextIsRefusedByFitAndByTheChain()
    {
        IDataView numbers = _ml.Data.LoadFromEnumerable([new Numbers { Text = 1 }]);
        var trainer = _ml.Reversible().LanguageModel();
        var e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => trainer.Fit(numbers));
        StringAssert.StartsWith(
            e.Message, "Schema mismatch for text column 'Text': expected String, Vector<Int32> or Vector<UInt32>, got Single");
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Transforms.CopyColumns("X", "Text").Append(trainer).Fit(numbers));
    }

    [TestMethod]
    [DataRow()]
    [DataRow("")]
    [DataRow("", "")]
    public void NoTextIsRefused(params string[] rows)
    {
        var e = Assert.ThrowsExactly<InvalidOperationException>(
            () => _ml.Reversible().LanguageModel(Corpus.QuickOptions).Fit(Corpus.View(_ml, rows)));
        StringAssert.Contains(e.Message, "text");
    }

    [TestMethod]
    public void TextShorterThanAWindowIsRefusedWithTheNumbers()
    {
        var e = Assert.ThrowsExactly<InvalidOperationException>(
            () => _ml.Reversible().LanguageModel(Corpus.QuickOptions).Fit(Corpus.View(_ml, "short", "text")));
        StringAssert.Contains(e.Message, "11 tokens");
        StringAssert.Contains(e.Message, "17");
        StringAssert.Contains(e.Message, "ContextLength");
    }

    [TestMethod]
    public void RowsShorterThanAWindowArePackedTogether()
    {
        using ReversibleLmTransformer model =
            _ml.Reversible().LanguageModel(Corpus.QuickOptions).Fit(Corpus.View(_ml, [.. Enumerable.Repeat("a few", 100)]));
        Assert.IsNotNull(model.Metrics!.ValidationLoss);
    }

    [TestMethod]
    public void FewerTokensThanBytesAreRefusedForBpeAndNotForTokenIds()
    {
        ReversibleLmTrainer.Options options = Corpus.QuickOptions;
        (options.Tokenization, options.VocabularySize) = (TextTokenization.Bpe, 256);
        ReversibleLmTrainer trainer = _ml.Reversible().LanguageModel(options);
        var e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => trainer.Fit(Corpus.View(_ml, Corpus.Rows)));
        StringAssert.Contains(e.Message, "VocabularySize must be at least 257");
        using ReversibleLmTransformer model = trainer.Fit(
            _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 40).Select(_ => new TokenIds { Text = [.. Enumerable.Range(0, 10)] })));
        Assert.AreEqual(256, model.Configuration.VocabularySize);
    }

    [TestMethod]
    public void AVocabularyLargerThanTheDataAllowsIsRefusedWithTheReachableSize()
    {
        ReversibleLmTrainer.Options options = Corpus.QuickOptions;
        (options.Tokenization, options.VocabularySize) = (TextTokenization.Bpe, 5000);
        var e = Assert.ThrowsExactly<InvalidOperationException>(
            () => _ml.Reversible().LanguageModel(options).Fit(Corpus.View(_ml, Corpus.Rows)));
        StringAssert.Contains(e.Message, "5000");
        StringAssert.Contains(e.Message, "VocabularySize");
    }

    [TestMethod]
    public void AMissingGpuIsRefusedOrReplacedAsTheContextSays()
    {
        if (cuda.is_available()) Assert.Inconclusive("This machine has a CUDA device.");
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => Corpus.Train(_ml, o => o.Device = "cuda"));
        StringAssert.Contains(e.Message, "CUDA");
        StringAssert.Contains(e.Message, "FallbackToCpu");
        var byContext = new MLContext(seed: 1) { GpuDeviceId = 0, FallbackToCpu = false };
        Assert.ThrowsExactly<InvalidOperationException>(() => Corpus.Train(byContext));

        using ReversibleLmTransformer model = Corpus.Train(new MLContext(seed: 1) { FallbackToCpu = true }, o => o.Device = "cuda");
        Assert.AreEqual(DeviceType.CPU, model.Network.Device.type);
    }

    [TestMethod]
    public void ALossThatIsNotFiniteEndsTheRunWithAdvice()
    {
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => Corpus.Train(_ml, o =>
            (o.LearningRate, o.FinalLearningRate, o.MaxGradNorm, o.WarmupSteps, o.ReportInterval) = (1e30, 1e30, 0, 0, 1)));
        StringAssert.Contains(e.Message, "LearningRate");
    }

    [TestMethod]
    public void RowsOfOnlySpacesAreTextLikeAnyOther()
    {
        using ReversibleLmTransformer model =
            _ml.Reversible().LanguageModel(Corpus.QuickOptions).Fit(Corpus.View(_ml, [.. Enumerable.Repeat(" \t\n", 100)]));
        Assert.IsNotNull(model.Metrics!.ValidationLoss);
    }

    [TestMethod]
    [DataRow(null, "cpu", Precision.Float32)]
    [DataRow(" ", "cpu", Precision.Float32)]
    [DataRow("Text", "gpu", Precision.Float32)]
    [DataRow("Text", "cpu", (Precision)9)]
    public void ABadArgumentOfLoadPretrainedIsRefusedBeforeAnythingIsRead(string? column, string device, Precision precision) =>
        Assert.Throws<ArgumentException>(() => _ml.Reversible().LoadPretrained("no such folder", column!, device, precision));

    [TestMethod]
    public void NullsAreRefused()
    {
        Assert.ThrowsExactly<ArgumentNullException>(() => _ml.Reversible().LanguageModel((ReversibleLmTrainer.Options)null!));
        Assert.ThrowsExactly<ArgumentNullException>(() => _ml.Reversible().LanguageModel().Fit(null!));
        Assert.ThrowsExactly<ArgumentNullException>(() => ((MLContext)null!).Reversible());
        Assert.ThrowsExactly<ArgumentNullException>(() => _ml.Reversible().LoadPretrained(null!));
    }
}
