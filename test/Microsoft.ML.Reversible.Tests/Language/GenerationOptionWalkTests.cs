namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class GenerationOptionWalkTests
{
    private static readonly Lazy<ReversibleLmTransformer> _model = new(() => Corpus.Train(new MLContext(seed: 1), o => o.MaxSteps = 30));

    private static IReadOnlyList<OptionCase<GenerationOptions>> All =>
    [
        new(nameof(GenerationOptions.MaxTokens), (o, _) => o.MaxTokens = 5),
        Drawn(nameof(GenerationOptions.Temperature), o => o.Temperature = 0.2, o => o.TopK = 1),
        Drawn(nameof(GenerationOptions.TopK), o => o.TopK = 2, o => o.Temperature = 0),
        Drawn(nameof(GenerationOptions.TopP), o => o.TopP = 0.2, o => o.Temperature = 0, o => o.TopK = 1),
        new(nameof(GenerationOptions.RepetitionPenalty), (o, _) => o.RepetitionPenalty = 50),
        new(nameof(GenerationOptions.StopStrings), (o, _) => o.StopStrings = [" "]) { Base = (o, _) => o.Temperature = 0.1 },
        Drawn(nameof(GenerationOptions.Seed), o => o.Seed = 3, o => o.Temperature = 0, o => o.TopK = 1),
        new(nameof(GenerationOptions.ContextOverflow), (o, _) => o.ContextOverflow = ContextOverflow.Refuse),
    ];

    public static IEnumerable<object[]> Cases => All.Select(one => new object[] { one.Option });

    [TestMethod]
    public void EveryOptionHasACase() => OptionWalk.AssertComplete(All);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void AnOptionThatHasAnEffectChangesTheText(string option) => OptionWalk.AssertEffect(
        CaseOf(option), () => new GenerationOptions { MaxTokens = 30 }, (options, _) => _model.Value.Generate("the red ", options),
        // To refuse what does not fit is what this option does.
        mayBeRefused: option == nameof(GenerationOptions.ContextOverflow));

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void AnOptionThatHasNoEffectIsRefused(string option) => OptionWalk.AssertRefused(
        CaseOf(option), () => new GenerationOptions { MaxTokens = 30 }, options => _model.Value.Generate("the red ", options));

    [TestMethod]
    public void AnArgumentThatHasNoEffectIsRefused()
    {
        var e = Assert.ThrowsExactly<ArgumentException>(() => _model.Value.Generate("the", temperature: 0, seed: 3));
        StringAssert.StartsWith(e.Message, "Seed has no effect if Temperature is 0");
    }

    /// <summary>An option of the draw: where the most likely token is taken it is refused.</summary>
    private static OptionCase<GenerationOptions> Drawn(
        string option, Action<GenerationOptions> change, params Action<GenerationOptions>[] greedy) =>
        new(option, (o, _) => change(o))
        {
            Unused = [.. greedy.Select(set => (Action<GenerationOptions>)(o =>
            {
                set(o);
                change(o);
            }))],
        };

    private static OptionCase<GenerationOptions> CaseOf(string option) => All.Single(one => one.Option == option);
}
