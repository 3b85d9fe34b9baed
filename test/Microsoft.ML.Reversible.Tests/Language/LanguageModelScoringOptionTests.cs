using Microsoft.ML.Data;
using static Microsoft.ML.Reversible.LanguageModelScoringEstimator;

namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class LanguageModelScoringOptionTests
{
    private static readonly MLContext Ml = new(seed: 1);
    private static ReversibleLmTransformer _model = null!;

    private static IReadOnlyList<OptionCase<Options>> All =>
    [
        new(nameof(Options.TextColumnName), (o, _) => o.TextColumnName = "Other"),
        new(nameof(Options.LogLikelihoodColumnName), (o, _) => o.LogLikelihoodColumnName = null),
        new(nameof(Options.TokenCountColumnName), (o, _) => o.TokenCountColumnName = "A"),
        new(nameof(Options.TokenCountKind), (o, _) => o.TokenCountKind = DataKind.Single)
        {
            Unused = [o => (o.TokenCountColumnName, o.TokenCountKind) = (null, DataKind.Single)],
        },
        new(nameof(Options.PerplexityColumnName), (o, _) => o.PerplexityColumnName = "A"),
        new(nameof(Options.EmbeddingColumnName), (o, _) => o.EmbeddingColumnName = "A"),
        new(nameof(Options.EmbeddingPooling), (o, _) => o.EmbeddingPooling = EmbeddingPooling.Last)
        {
            Base = (o, _) => o.EmbeddingColumnName = "A",
            Unused = [o => o.EmbeddingPooling = EmbeddingPooling.Last],
        },
    ];

    public static IEnumerable<object[]> Cases => All.Select(one => new object[] { one.Option });

    [ClassInitialize]
    public static void Train(TestContext _) => _model = Corpus.Train(Ml, o => o.MaxSteps = 1);

    [ClassCleanup]
    public static void Free() => _model.Dispose();

    [TestMethod]
    public void EveryOptionHasACase() => OptionWalk.AssertComplete(All);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void AnOptionThatHasAnEffectChangesTheOutput(string option) =>
        OptionWalk.AssertEffect(CaseOf(option), () => new Options(), (options, _) =>
        {
            IDataView data = Ml.Data.LoadFromEnumerable([new { Text = "the red", Other = "fox" }]);
            IDataView view = Ml.Reversible().ApplyLanguageModel(_model, options).Fit(data).Transform(data);
            DataDebuggerPreview preview = view.Preview();
            IEnumerable<string> values = preview.RowView[0].Values.Select(pair =>
                $"{pair.Key} {(pair.Value is VBuffer<float> vector ? string.Join(' ', vector.DenseValues()) : pair.Value)}");
            return string.Join('\n', view.Schema.Select(column => $"{column}").Concat(values));
        });

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void AnOptionThatHasNoEffectIsRefused(string option) =>
        OptionWalk.AssertRefused(CaseOf(option), () => new Options(), options => Ml.Reversible().ApplyLanguageModel(_model, options));

    private static OptionCase<Options> CaseOf(string option) => All.Single(one => one.Option == option);
}
