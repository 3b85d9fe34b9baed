using static Microsoft.ML.Reversible.PreferenceEstimator;

namespace Microsoft.ML.Reversible.Tests.FineTuning;

/// <summary>Tests the options that an alignment adds to those of a fine-tuning, and those of which it has no use.</summary>
[TestClass]
public sealed class PreferenceOptionTests
{
    private static readonly MLContext Ml = new(seed: 1) { FallbackToCpu = false };

    private static readonly IDataView Data = Ml.Data.LoadFromEnumerable(Preferences.Rows.Take(12).Select(row => new Row
    {
        Roles = row.Roles, Texts = row.Texts, Chosen = row.Chosen, Rejected = row.Rejected, Prompt = "say", Good = "yes", Bad = "x y z",
    }));

    private sealed class Row
    {
        public string[] Roles { get; set; } = [];

        public string[] Texts { get; set; } = [];

        public string Chosen { get; set; } = "";

        public string Rejected { get; set; } = "";

        public string Prompt { get; set; } = "";

        public string Good { get; set; } = "";

        public string Bad { get; set; } = "";
    }

    private static IReadOnlyList<OptionCase<Options>> All =>
    [
        new(nameof(Options.ChosenColumnName), (o, _) => o.ChosenColumnName = "Good"),
        new(nameof(Options.RejectedColumnName), (o, _) => o.RejectedColumnName = "Bad"),
        new(nameof(Options.Beta), (o, _) => o.Beta = 0.7),
        new(nameof(Options.LabelSmoothing), (o, _) => o.LabelSmoothing = 0.2),
        new(nameof(Options.SftWeight), (o, _) => o.SftWeight = 0.5),
        new(nameof(Options.PairProgress), (o, folder) => o.PairProgress = new OptionWalk.Listener<PreferenceReport>(folder)),
        new(nameof(Options.PromptColumnName), (o, _) => o.PromptColumnName = "Prompt"),
        new(nameof(Options.LoraRank), (o, _) => o.LoraRank = 2),
        new(nameof(Options.LoraTargets), (o, _) => o.LoraTargets = "c_attn") { Base = (o, _) => o.LoraRank = 2 },
        new(nameof(Options.Scheme), (o, _) => o.Scheme = Scheme.Leapfrog),
        new(nameof(Options.ChatFormat), (o, _) => o.ChatFormat = ChatFormat.Zephyr),
        new(nameof(Options.SystemPrompt), (o, _) => o.SystemPrompt = "be"),
        new(nameof(Options.ContextLength), (o, _) => o.ContextLength = 12),
        new(nameof(Options.ValidationFraction), (o, _) => o.ValidationFraction = 0.5),
    ];

    private static IReadOnlyList<OptionCase<Options>> Refused =>
    [
        new(nameof(Options.ResponseColumnName), null) { Unused = [o => (o.PromptColumnName, o.ResponseColumnName) = ("Prompt", "Good")] },
        new(nameof(Options.Packing), null) { Unused = [o => o.Packing = false] },
        new(nameof(Options.AttendAcrossConversations), null) { Unused = [o => o.AttendAcrossConversations = true] },
        new(nameof(Options.ReportProgress), null) { Unused = [o => o.ReportProgress = new Progress<FineTuneReport>()] },
        new(nameof(Options.TextColumnName), null) { Unused = [o => o.TextColumnName = "A"] },
    ];

    public static IEnumerable<object[]> Cases => All.Select(one => new object[] { one.Option });

    /// <summary>All options are those of a fine-tuning, whose tests walk them, and those here.</summary>
    [TestMethod]
    public void EveryOptionOfItsOwnHasACase() => CollectionAssert.IsSubsetOf(
        typeof(Options).GetProperties()
            .Where(property => property.DeclaringType == typeof(Options)).Select(property => property.Name).ToArray(),
        All.Select(one => one.Option).ToArray());

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void AnOptionThatHasAnEffectChangesTheOutput(string option) =>
        OptionWalk.AssertEffect(All.Single(one => one.Option == option), Small, Run, mayBeRefused: false);

    [TestMethod]
    public void OptionsOfWindowsAndTextsAreRefused()
    {
        foreach (OptionCase<Options> one in Refused)
            OptionWalk.AssertRefused(one, Small, options => Ml.Reversible().AlignPreferences(options));
    }

    [TestMethod]
    public void TheLearningRateDependsOnWhatIsTrained()
    {
        Assert.AreEqual(1e-6, new Options().EffectiveLearningRate);
        Assert.AreEqual(5e-6, new Options { LoraRank = 4 }.EffectiveLearningRate);
    }

    [TestMethod]
    public void OptionsOfAnAlignmentAreNotThoseOfAFineTuning() => StringAssert.Contains(
        Assert.ThrowsExactly<ArgumentException>(() => Ml.Reversible().FineTune(Small())).Message, "Give them to AlignPreferences");

    [TestMethod]
    public void ASystemColumnNeedsAPromptColumnAlone()
    {
        Options options = Small();
        options.SystemColumnName = "System";
        string message = Assert.ThrowsExactly<ArgumentException>(() => Ml.Reversible().AlignPreferences(options)).Message;
        StringAssert.Contains(message, "PromptColumnName");
        Assert.IsFalse(message.Contains("ResponseColumnName"), message);
    }

    [TestMethod]
    public void OptionsOutOfTheirRangeAreNamed()
    {
        AssertNamed(nameof(Options.Beta), o => o.Beta = 0);
        AssertNamed(nameof(Options.Beta), o => o.Beta = double.PositiveInfinity);
        AssertNamed(nameof(Options.LabelSmoothing), o => o.LabelSmoothing = 0.5);
        AssertNamed(nameof(Options.LabelSmoothing), o => o.LabelSmoothing = -0.1);
        AssertNamed(nameof(Options.SftWeight), o => o.SftWeight = -1);
        AssertNamed(nameof(Options.ChosenColumnName), o => o.ChosenColumnName = " ");
        AssertNamed(nameof(Options.RejectedColumnName), o => o.RejectedColumnName = "");
        AssertNamed(nameof(Options.PromptColumnName), o => o.PromptColumnName = " ");
        AssertNamed(nameof(Options.BatchSize), o => (o.BatchSize, o.ContextLength) = (1 << 20, 1 << 10));
        Options options = Small();
        options.RejectedColumnName = options.ChosenColumnName;
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => Ml.Reversible().AlignPreferences(options)).Message, "must be different");

        static void AssertNamed(string option, Action<Options> change)
        {
            Options options = Small();
            change(options);
            var e = Assert.Throws<ArgumentException>(() => Ml.Reversible().AlignPreferences(options), option);
            Assert.AreEqual(option, e.ParamName, e.Message);
        }
    }

    private static Options Small()
    {
        Options options = Preferences.Quick;
        (options.MaxSteps, options.WarmupSteps, options.EvaluationInterval) = (3, 1, 2);
        return options;
    }

    private static string Run(Options options, string folder)
    {
        using ReversibleLmTransformer model = Ml.Reversible().AlignPreferences(options).Fit(Data);
        return string.Join('\n', model.Metrics!.History.Select(p =>
            FormattableString.Invariant($"{p.Step} {p.Loss} {p.GradNorm} {p.ValidationLoss} {string.Join(' ', p.ValidationFigures)}")))
            + string.Join(' ', Directory.GetFiles(folder).Select(File.ReadAllText));
    }
}
