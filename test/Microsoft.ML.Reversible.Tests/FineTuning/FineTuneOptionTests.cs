using System.Reflection;
using Microsoft.ML.Reversible.Tests.Language;
using static Microsoft.ML.Reversible.FineTuneEstimator;

namespace Microsoft.ML.Reversible.Tests.FineTuning;

[TestClass]
public sealed class FineTuneOptionTests
{
    private static readonly MLContext Ml = new(seed: 1) { FallbackToCpu = false };

    private static readonly IDataView Data = Ml.Data.LoadFromEnumerable(Chats.Rows.Take(12).Select((row, i) => new Row
    {
        Roles = row.Roles, Texts = row.Texts, OtherRoles = ["user", "user", "assistant"], OtherTexts = ["a", $"b{i}", "c"],
        Prompt = $"say {i}", Response = "yes", Answer = "no", System = "be",
    }));

    private static readonly PropertyInfo[] _shared = typeof(LanguageTrainingOptions).GetProperties();

    private sealed class Row
    {
        public string[] Roles { get; set; } = [];

        public string[] Texts { get; set; } = [];

        public string[] OtherRoles { get; set; } = [];

        public string[] OtherTexts { get; set; } = [];

        public string Prompt { get; set; } = "";

        public string Response { get; set; } = "";

        public string Answer { get; set; } = "";

        public string System { get; set; } = "";
    }

    /// <summary>Changes of shared options whose value in the trainer's case has no effect here.</summary>
    private static readonly IReadOnlyDictionary<string, Action<ReversibleLmTrainer.Options, string>> Changes =
        new Dictionary<string, Action<ReversibleLmTrainer.Options, string>>
        {
            [nameof(ReversibleLmTrainer.Options.BackwardMode)] = (o, _) => o.BackwardMode = BackwardMode.Reversible,
            [nameof(ReversibleLmTrainer.Options.TokenizerPath)] = (o, _) => o.TokenizerPath = "no such folder",
            [nameof(ReversibleLmTrainer.Options.WeightDecay)] = (o, _) => o.WeightDecay = 0.3,
            [nameof(ReversibleLmTrainer.Options.ContextLength)] = (o, _) => o.ContextLength = 60,
            [nameof(ReversibleLmTrainer.Options.MaxEpochs)] = (o, _) => o.MaxEpochs = 0.2,
            [nameof(ReversibleLmTrainer.Options.EvaluationBatches)] = (o, _) => (o.EvaluationBatches, o.BatchSize) = (1, 1),
        };

    private static IReadOnlyList<OptionCase<Options>> All =>
    [
        new(nameof(Options.ModelPath), (o, _) => (o.ModelPath, o.Model) = ("no such folder", null)),
        new(nameof(Options.Model), (o, _) => (o.ModelPath, o.Model, o.ContextLength) = (null, Chats.Model, 32)),
        new(nameof(Options.Scheme), (o, _) => o.Scheme = Scheme.Leapfrog),
        new(nameof(Options.ChatFormat), (o, _) => o.ChatFormat = ChatFormat.Zephyr),
        new(nameof(Options.RolesColumnName), (o, _) => o.RolesColumnName = "OtherRoles")
        {
            Unused = [WithPrompts(o => o.RolesColumnName = "A")],
        },
        new(nameof(Options.TextsColumnName), (o, _) => o.TextsColumnName = "OtherTexts")
        {
            Unused = [WithPrompts(o => o.TextsColumnName = "A")],
        },
        new(nameof(Options.PromptColumnName), (o, _) => (o.PromptColumnName, o.ResponseColumnName) = ("Prompt", "Response")),
        new(nameof(Options.ResponseColumnName), (o, _) => o.ResponseColumnName = "Answer")
        {
            Base = (o, _) => (o.PromptColumnName, o.ResponseColumnName) = ("Prompt", "Response"),
        },
        new(nameof(Options.SystemColumnName), (o, _) => o.SystemColumnName = "System")
        {
            Base = (o, _) => (o.PromptColumnName, o.ResponseColumnName) = ("Prompt", "Response"),
            Unused = [o => o.SystemColumnName = "System"],
        },
        new(nameof(Options.SystemPrompt), (o, _) => o.SystemPrompt = "be"),
        new(nameof(Options.Packing), (o, _) => o.Packing = false),
        new(nameof(Options.AttendAcrossConversations), (o, _) => o.AttendAcrossConversations = true)
        {
            Unused = [o => (o.Packing, o.AttendAcrossConversations) = (false, true)],
        },
        new(nameof(Options.AddedTokens), (o, _) => o.AddedTokens = ["<x>"]),
        new(nameof(Options.VocabularyMultiple), (o, _) => o.VocabularyMultiple = 10) { Base = (o, _) => o.AddedTokens = ["<x>"] },
        new(nameof(Options.LoraRank), (o, _) => o.LoraRank = 2),
        Adapted(nameof(Options.LoraAlpha), o => o.LoraAlpha = 3),
        Adapted(nameof(Options.LoraRankStabilized), o => o.LoraRankStabilized = true),
        Adapted(nameof(Options.LoraTargets), o => o.LoraTargets = "c_attn"),
        Adapted(nameof(Options.LoraDropout), o => o.LoraDropout = 0.5),
        Adapted(nameof(Options.TrainEmbedding), o => o.TrainEmbedding = true),
        Adapted(nameof(Options.TrainHead), o => o.TrainHead = true),
        Adapted(nameof(Options.BasePrecision), o => o.BasePrecision = Precision.BFloat16,
            o => (o.LoraRank, o.ModelPath, o.Model, o.BasePrecision) = (2, null, Chats.Model, Precision.BFloat16)),
        new(nameof(Options.ReportProgress), (o, folder) => o.ReportProgress = new OptionWalk.Listener<FineTuneReport>(folder)),
    ];

    /// <summary>Options of the base classes that conversations or an adapter refuse.</summary>
    private static IReadOnlyList<OptionCase<Options>> Refused =>
    [
        new(nameof(Options.TextColumnName), null) { Unused = [o => o.TextColumnName = "A"] },
        new(nameof(Options.EndOfTextId), null) { Unused = [o => o.EndOfTextId = 3] },
        new(nameof(Options.TokenCachePath), null) { Unused = [o => o.TokenCachePath = "tokens"] },
        new(nameof(Options.DocumentBoundaries), null) { Unused = [o => o.DocumentBoundaries = DocumentBoundaries.Respect] },
        new(nameof(Options.FreezeEmbedding), null) { Unused = [o => (o.LoraRank, o.FreezeEmbedding) = (2, true)] },
        new(nameof(Options.FrozenLayerCount), null) { Unused = [o => (o.LoraRank, o.FrozenLayerCount) = (2, 1)] },
    ];

    public static IEnumerable<object[]> Cases => All.Select(one => new object[] { one.Option });

    public static IEnumerable<object[]> TrainingCases => Shared.Select(one => new object[] { one.Option });

    /// <summary>The options that the trainer has too, with its cases.</summary>
    private static IReadOnlyList<OptionCase<Options>> Shared =>
    [
        .. from one in TrainerOptionCases.All
           where _shared.Any(property => property.Name == one.Option)
           let change = Changes.GetValueOrDefault(one.Option, one.Change!)
           select new OptionCase<Options>(one.Option, one.Change is null ? null : Apply(change))
           {
               Base = one.Base is null || Changes.ContainsKey(one.Option) ? null : Apply(one.Base),
               SameBits = one.SameBits,
           },
    ];

    [TestMethod]
    public void EveryOptionHasACase() => OptionWalk.AssertComplete([.. All, .. Shared]);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void AnOptionThatHasAnEffectChangesTheOutput(string option) => OptionWalk.AssertEffect(
        CaseOf(option), Small, Run, mayBeRefused: option is nameof(Options.RolesColumnName) or nameof(Options.TextsColumnName));

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void AnOptionThatHasNoEffectIsRefused(string option) =>
        OptionWalk.AssertRefused(CaseOf(option), Small, options => Ml.Reversible().FineTune(options));

    [TestMethod]
    public void OptionsOfTextsAndOfFreezingAreRefused()
    {
        foreach (OptionCase<Options> one in Refused) OptionWalk.AssertRefused(one, Small, options => Ml.Reversible().FineTune(options));
    }

    [TestMethod]
    [DynamicData(nameof(TrainingCases))]
    public void AnOptionOfTheTrainingIsRefusedOrChangesTheOutput(string option)
    {
        OptionCase<Options> one = Shared.Single(one => one.Option == option);
        if (one.Change is not null) OptionWalk.AssertEffect(one, Small, Run, mayBeRefused: true);
    }

    [TestMethod]
    public void TheLearningRateDependsOnWhatIsTrained()
    {
        Assert.AreEqual(1e-5, new Options().EffectiveLearningRate);
        Assert.AreEqual(2e-4, new Options { LoraRank = 4 }.EffectiveLearningRate);
        Assert.AreEqual(2e-5, new Options { LoraRank = 4 }.EffectiveFinalLearningRate);
        Assert.AreEqual(3e-3, new Options { LoraRank = 4, LearningRate = 3e-3 }.EffectiveLearningRate);
        Assert.AreEqual(8, new Options { LoraRank = 4 }.EffectiveLoraAlpha);
    }

    [TestMethod]
    public void OptionsOutOfTheirRangeAreNamed()
    {
        AssertNamed(nameof(Options.ModelPath), o => o.Model = Chats.Model);
        AssertNamed(nameof(Options.ModelPath), o => o.ModelPath = null);
        AssertNamed(nameof(Options.LoraRank), o => o.LoraRank = 0);
        AssertNamed(nameof(Options.LoraAlpha), o => (o.LoraRank, o.LoraAlpha) = (2, 0));
        AssertNamed(nameof(Options.LoraTargets), o => (o.LoraRank, o.LoraTargets) = (2, " "));
        AssertNamed(nameof(Options.LoraDropout), o => (o.LoraRank, o.LoraDropout) = (2, 1));
        AssertNamed(nameof(Options.VocabularyMultiple), o => o.VocabularyMultiple = 0);
        AssertNamed(nameof(Options.AddedTokens), o => o.AddedTokens = ["<x>", "<x>"]);
        AssertNamed(nameof(Options.AddedTokens), o => o.AddedTokens = [""]);
        AssertNamed(nameof(Options.ResponseColumnName), o => o.PromptColumnName = "Prompt");
        AssertNamed(nameof(Options.PromptColumnName), o => o.ResponseColumnName = "Response");
        AssertNamed(nameof(Options.RolesColumnName), o => o.RolesColumnName = " ");

        static void AssertNamed(string option, Action<Options> change)
        {
            Options options = Small();
            change(options);
            var e = Assert.Throws<ArgumentException>(() => Ml.Reversible().FineTune(options), option);
            Assert.AreEqual(option, e.ParamName, e.Message);
            StringAssert.Contains(e.Message, option);
        }
    }

    private static Options Small()
    {
        Options options = Chats.Quick;
        (options.BatchSize, options.MaxSteps, options.WarmupSteps) = (2, 4, 1);
        (options.EvaluationInterval, options.ReportInterval, options.FinalLearningRate, options.WeightDecay) = (2, 1, 1e-4, 0.1);
        return options;
    }

    private static string Run(Options options, string folder)
    {
        using ReversibleLmTransformer model = Ml.Reversible().FineTune(options).Fit(Data);
        return $"{model.FineTuning!.ToJson()}\n{OptionWalk.Describe(model, Data)}";
    }

    /// <summary>What is set of a trainer's options, set of a fine-tuning's where it has the option.</summary>
    private static Action<Options, string> Apply(Action<ReversibleLmTrainer.Options, string> set) => (o, folder) =>
    {
        var trainer = new ReversibleLmTrainer.Options();
        foreach (PropertyInfo property in _shared) property.SetValue(trainer, property.GetValue(o));
        set(trainer, folder);
        foreach (PropertyInfo property in _shared) property.SetValue(o, property.GetValue(trainer));
    };

    private static Action<Options> WithPrompts(Action<Options> change) => o =>
    {
        (o.PromptColumnName, o.ResponseColumnName) = ("Prompt", "Response");
        change(o);
    };

    /// <summary>An option of an adapter: without one it is refused.</summary>
    private static OptionCase<Options> Adapted(string option, Action<Options> change, params Action<Options>[] unused) =>
        new(option, (o, _) => change(o)) { Base = (o, _) => o.LoraRank = 2, Unused = [change, .. unused] };

    private static OptionCase<Options> CaseOf(string option) => All.Single(one => one.Option == option);
}
