using Microsoft.ML.Reversible.Language;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class TextScorerTests
{
    [TestMethod]
    [DataRow(1, 4)]
    [DataRow(4, 4)]
    [DataRow(5, 4)]
    [DataRow(11, 4)]
    [DataRow(12, 4)]
    [DataRow(3, 1)]
    public void EveryTokenIsScoredOnceFromAsMuchContextAsFits(int count, int context)
    {
        var scored = new List<int>();
        foreach (TextScorer.Window window in TextScorer.Windows(count, context))
        {
            Assert.IsLessThanOrEqualTo(context, window.Length);
            Assert.IsGreaterThanOrEqualTo(0, window.Start);
            int end = window.Start + window.Length;
            Assert.AreEqual(Math.Min(context, end), window.Length, "a window reaches back as far as it can");
            scored.AddRange(Enumerable.Range(end - window.Scored, window.Scored));
        }
        CollectionAssert.AreEqual(Enumerable.Range(0, count).ToArray(), scored);
    }

    [TestMethod]
    public void NoTokensNeedNoWindow() => Assert.AreEqual(0, TextScorer.Windows(0, 4).Count());

    /// <summary>Windows are scored some together, more than 4096 tokens one after the other; each counts as it would alone.</summary>
    [TestMethod]
    [DataRow(7)]
    [DataRow(45)]
    [DataRow(4200)]
    public void TheScoreIsTheSumOverTheWindowsAlone(int count)
    {
        using LanguageNetwork network = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Reversible);
        using var model = new LanguageModel(network, tokenizer: null);
        var random = new Random(5);
        int[] ids = [.. Enumerable.Range(0, count).Select(_ => random.Next(network.Configuration.VocabularySize))];
        long[] all = [model.PrefixId, .. ids];

        double expected = 0;
        foreach (TextScorer.Window window in TextScorer.Windows(count, network.Configuration.ContextLength))
        {
            using var scope = NewDisposeScope();
            using var noGraph = no_grad();
            Tensor input = tensor(all[window.Start..(window.Start + window.Length)], [1, window.Length]);
            Tensor target = tensor(all[(window.Start + 1)..(window.Start + window.Length + 1)], [1, window.Length, 1]);
            Tensor each = nn.functional.log_softmax(network.call(input), -1).gather(-1, target);
            expected += each.narrow(1, window.Length - window.Scored, window.Scored).sum(ScalarType.Float64).item<double>();
        }

        TextScore score = new TextScorer(model).Score([new ScoredRow([model.PrefixId, .. ids])]).Single();
        Assert.AreEqual(expected, score.LogLikelihood, 1e-5 * Math.Abs(expected));
        Assert.AreEqual(count, score.TokenCount);
    }
}
