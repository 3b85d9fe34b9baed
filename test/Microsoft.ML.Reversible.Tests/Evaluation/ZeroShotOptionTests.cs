using static Microsoft.ML.Reversible.ZeroShotEvaluator;

namespace Microsoft.ML.Reversible.Tests.Evaluation;

[TestClass]
public sealed class ZeroShotOptionTests
{
    private static readonly MLContext Ml = new(seed: 1);
    private static readonly FakeSource Source = new((_, text) => -text.Length);
    private static readonly IDataView Data = Questions.View(Ml, Questions.Of(0, "a", "bb"), Questions.Of(1, "ccc", "d"));

    private static IReadOnlyList<(OptionCase<Options> Case, ZeroShotTask[] Without)> All =>
    [
        (new(nameof(Options.ScoreColumnName), (o, _) => o.ScoreColumnName = "A"), []),
        (new(nameof(Options.ScoreNormalizedColumnName), (o, _) => o.ScoreNormalizedColumnName = "A"),
            [Questions.LastWord, Questions.Whole]),
        (new(nameof(Options.PredictedLabelColumnName), (o, _) => o.PredictedLabelColumnName = "A"), [Questions.Whole]),
        (new(nameof(Options.PredictedLabelNormalizedColumnName), (o, _) => o.PredictedLabelNormalizedColumnName = "A"),
            [Questions.LastWord, Questions.Whole]),
        (new(nameof(Options.BatchTokens), null)
        {
            SameBits = "it decides memory and speed; scores are the same within rounding",
            Unused = [o => o.BatchTokens = 9],
        }, []),
        (new(nameof(Options.ItemLogPath), (o, folder) => o.ItemLogPath = Path.Combine(folder, "items")), []),
        (new(nameof(Options.Progress), (o, folder) => o.Progress = new OptionWalk.Listener<ZeroShotProgress>(folder)), []),
        (new(nameof(Options.CancellationToken), (o, _) => o.CancellationToken = new(canceled: true)), []),
    ];

    public static IEnumerable<object[]> Cases => All.Select(one => new object[] { one.Case.Option });

    [TestMethod]
    public void EveryOptionHasACase() => OptionWalk.AssertComplete([.. All.Select(one => one.Case)]);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void AnOptionThatHasAnEffectChangesTheOutput(string option) =>
        OptionWalk.AssertEffect(CaseOf(option).Case, () => new Options(), (options, _) =>
        {
            ZeroShotTransformer transformer = Ml.Reversible().ZeroShot(Source, Questions.Task(), options).Fit(Data);
            IEnumerable<string> columns = transformer.GetOutputSchema(Data.Schema).Select(column => column.Name);
            return $"{transformer.Evaluate(Data).Accuracy} {string.Join(' ', columns)}";
        });

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void AnOptionThatHasNoEffectIsRefused(string option)
    {
        (OptionCase<Options> one, ZeroShotTask[] without) = CaseOf(option);
        OptionWalk.AssertRefused(one, () => new Options(), options => Ml.Reversible().ZeroShot(Source, Questions.Task(), options));
        foreach (ZeroShotTask task in without)
        {
            OptionWalk.AssertRefused(
                one with { Unused = [o => one.Change!(o, "")] }, () => new Options(),
                options => Ml.Reversible().ZeroShot(Source, task, options));
        }
    }

    private static (OptionCase<Options> Case, ZeroShotTask[] Without) CaseOf(string option) => All.Single(one => one.Case.Option == option);
}
