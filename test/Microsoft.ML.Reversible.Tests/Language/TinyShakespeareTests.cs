using Microsoft.ML.Reversible.Benchmarks;

namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class TinyShakespeareTests
{
    /// <summary>
    /// The first steps of nanoGPT's recipe, where a residual network and a midpoint one stand at 2.60 nats; the benchmark runs all 2000.
    /// </summary>
    [TestMethod]
    [DataRow("residual")]
    [DataRow("midpoint")]
    public void TheRecipesFirstStepsLearnEnglishLetters(string scheme)
    {
        string text = File.ReadAllText(TestData.Require("tinyshakespeare/input.txt"));
        var ml = new MLContext(seed: 1);
        ReversibleLmTrainer.Options options = TinyShakespeare.Recipe(Scheme.Parse(scheme), steps: 120, seed: 1337);
        using ReversibleLmTransformer model = ml.Reversible().LanguageModel(options).Fit(Corpus.View(ml, text));
        Assert.AreEqual(66, model.Configuration.VocabularySize, "65 characters and the end of text");
        Assert.IsLessThan(2.65, model.Metrics!.ValidationLoss!.Value);
    }
}
