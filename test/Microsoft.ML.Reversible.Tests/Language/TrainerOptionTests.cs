using static Microsoft.ML.Reversible.ReversibleLmTrainer;

namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class TrainerOptionTests
{
    private static readonly MLContext Ml = new(seed: 1) { FallbackToCpu = false };

    private static readonly IDataView Data = Ml.Data.LoadFromEnumerable(
        Corpus.Rows.Take(16).Select((text, i) => new Row { Text = text, Other = $"{i} other {text.Length}" }));

    private sealed class Row
    {
        public string Text { get; set; } = "";

        public string Other { get; set; } = "";
    }

    private sealed class IdRow
    {
        public int[] Text { get; set; } = [];
    }

    public static IEnumerable<object[]> Cases => TrainerOptionCases.All.Select(one => new object[] { one.Option });

    /// <summary>Options of a run of milliseconds.</summary>
    internal static Options Small() => new()
    {
        LayerCount = 2,
        HeadCount = 2,
        Width = 16,
        ContextLength = 8,
        BatchSize = 2,
        MaxSteps = 4,
        WarmupSteps = 1,
        LearningRate = 5e-3,
        Tokenization = TextTokenization.Byte,
        EvaluationInterval = 2,
        ReportInterval = 1,
        Seed = 1,
    };

    internal static ReversibleLmTransformer Fit(Options options) => Ml.Reversible().LanguageModel(options).Fit(Data);

    [TestMethod]
    public void EveryOptionHasACase() => OptionWalk.AssertComplete(TrainerOptionCases.All);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void AnOptionThatHasAnEffectChangesTheOutput(string option) => OptionWalk.AssertEffect(CaseOf(option), Small, (options, _) =>
    {
        using ReversibleLmTransformer model = Fit(options);
        return OptionWalk.Describe(model, Data);
    });

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void AnOptionThatHasNoEffectIsRefused(string option) =>
        OptionWalk.AssertRefused(CaseOf(option), Small, options => Fit(options).Dispose());

    [TestMethod]
    public void OptionsOfATokenizerAreRefusedForTokenIds()
    {
        IDataView ids = Ml.Data.LoadFromEnumerable([new IdRow { Text = [1, 2, 3] }]);
        var e = Assert.ThrowsExactly<ArgumentException>(() => Ml.Reversible().LanguageModel(Small()).Fit(ids));
        StringAssert.StartsWith(e.Message, "Tokenization has no effect for a column of token ids");
    }

    [TestMethod]
    public void AConstantScheduleNeedsNoFinalLearningRate()
    {
        Options options = Small();
        (options.Schedule, options.LearningRate) = (LearningRateScheduleKind.Constant, 1e-5);
        using ReversibleLmTransformer model = Fit(options);
        Assert.AreEqual(1e-5, model.Metrics!.History[^1].LearningRate);
    }

    private static OptionCase<Options> CaseOf(string option) => TrainerOptionCases.All.Single(one => one.Option == option);
}
