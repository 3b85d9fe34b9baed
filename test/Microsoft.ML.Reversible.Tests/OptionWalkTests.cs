namespace Microsoft.ML.Reversible.Tests;

[TestClass]
public sealed class OptionWalkTests
{
    [TestMethod]
    public void EveryPublicClassOfOptionsIsWalked()
    {
        Type[] walked =
        [
            typeof(ReversibleLmTrainer.Options), typeof(RetrofitEstimator.Options), typeof(ZeroShotEvaluator.Options),
            typeof(GenerationOptions), typeof(LanguageModelScoringEstimator.Options), typeof(FineTuneEstimator.Options),
            typeof(PreferenceEstimator.Options),
        ];
        CollectionAssert.AreEquivalent(
            walked,
            typeof(ReversibleLmTrainer).Assembly.GetExportedTypes()
                .Where(type => type.Name.EndsWith("Options", StringComparison.Ordinal) && !type.IsAbstract).ToArray());
    }
}
