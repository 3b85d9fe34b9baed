using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Tokenizers;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class LogLikelihoodScorerTests
{
    private const int Window = 48;

    private static readonly LanguageModelTokenizer _bytes = LanguageModelTokenizer.Learn([], TextTokenization.Byte, 0);

    private static readonly ContinuationRequest[] _requests =
    [
        new("Question: why?\nAnswer:", " because"),
        new("Question: why?\nAnswer:", " because of it"),
        new("Question: why?\nAnswer:", " because"),
        new("Question: why?\nAnswer:", " A"),
        new("Question: why?\nAnswer:", " B"),
        new("Question: who?\nAnswer:", " Zoë 猫"),
        new("Trailing \t\n ", "space"),
        new("", "from nothing"),
        new(" \n", "from white space"),
        new("one two three four five six seven eight nine ten", " eleven"),
        new("x", " a continuation that is by itself much longer than all of the window can ever hold"),
        new("short", " s"),
    ];

    [TestMethod]
    [DataRow("residual")]
    [DataRow("midpoint:0.5")]
    [DataRow("midpoint-a:0.5")]
    [DataRow("leapfrog")]
    [DataRow("hamiltonian")]
    [DataRow("bdia")]
    [DataRow("bdia:inference=recurrence")]
    [DataRow("iterated-inverse")]
    public void ARequestGetsWhatItGetsAloneInAnyOrderAndAnyBatch(string scheme)
    {
        foreach (LanguageModelConfiguration shape in Shapes)
        {
            using LanguageModel model = Make(shape, Scheme.Parse(scheme));
            ContinuationScore[] expected = [.. _requests.Select(request => OneAtATime.Score(model, request))];
            foreach ((int seed, int batchTokens) in new[] { (0, 1), (1, 100), (2, 4096) })
            {
                int[] order = [.. Enumerable.Range(0, _requests.Length)];
                new Random(seed).Shuffle(order);
                var scores = new LogLikelihoodScorer(model, batchTokens).Score([.. order.Select(i => _requests[i])], null, default);
                for (int i = 0; i < order.Length; i++)
                    AreSame(expected[order[i]], scores[i], $"{_requests[order[i]]}, {batchTokens} tokens");
            }
        }
    }

    [TestMethod]
    public void AContinuationBeyondTheWindowCountsItsLastTokens()
    {
        using LanguageModel model = Make(Shapes[0], Scheme.Midpoint);
        ContinuationRequest request = _requests[10];
        ContinuationScore score = new LogLikelihoodScorer(model).Score([request], null, default)[0];
        Assert.AreEqual(Window, score.TokenCount);
        int[] ids = _bytes.Encode(request.Continuation);
        AreSame(OneAtATime.Score(model.Network, ids[^(Window + 1)..], Window), score, "its last tokens");
    }

    [TestMethod]
    public void AContinuationWithoutTokensIsRefused()
    {
        using LanguageModel model = Make(Shapes[0], Scheme.Midpoint);
        foreach (string context in new[] { "why", "" })
        {
            InvalidDataException e = Assert.ThrowsExactly<InvalidDataException>(
                () => new LogLikelihoodScorer(model).Score([new(context, "")], null, default));
            StringAssert.Contains(e.Message, $"The continuation '' of '{context}' has no token");
        }
    }

    [TestMethod]
    public void WhatGreedyDecodingWritesIsGreedy()
    {
        using LanguageModel model = Make(Shapes[0], Scheme.Midpoint);
        int[] begin = [.. "Once"u8.ToArray().Select(b => _bytes.Encode(((char)b).ToString())[0])];
        List<int> ids = [.. begin];
        for (int i = 0; i < 5; i++) ids.Add(Enumerable.Range(0, _bytes.VocabularySize).First(id => IsGreedy(model, [.. ids, id])));
        string written = _bytes.Decode(ids.ToArray().AsSpan(4), continuation: true);
        if (written.Contains('\uFFFD') || written.Length != 5) Assert.Inconclusive("this model writes no text");
        Assert.IsTrue(new LogLikelihoodScorer(model).Score([new("Once", written)], null, default)[0].IsGreedy);
        Assert.IsFalse(new LogLikelihoodScorer(model).Score([new("Once", written + "?!")], null, default)[0].IsGreedy);
    }

    [TestMethod]
    public void WholeTextsGetTheSumOverTheirWindows()
    {
        using LanguageModel model = Make(Shapes[1], Scheme.Leapfrog);
        string[] texts = ["", "a", new string('b', Window), string.Join(' ', Enumerable.Range(0, 200)), "猫 and Zoë"];
        var scores = new LogLikelihoodScorer(model, batchTokens: 128).ScoreRolling(texts, null, default);
        for (int i = 0; i < texts.Length; i++)
        {
            var expected = new TextScorer(model).Score(texts[i]);
            Assert.AreEqual(expected.LogLikelihood, scores[i].LogLikelihood, 1e-6 * Math.Abs(expected.LogLikelihood) + 1e-5);
            Assert.AreEqual(expected.TokenCount, scores[i].TokenCount);
        }
    }

    [TestMethod]
    public void CancellingEndsBetweenTwoBatches()
    {
        using LanguageModel model = Make(Shapes[0], Scheme.Midpoint);
        using var source = new CancellationTokenSource();
        var seen = new List<int>();
        var progress = new Reports(done =>
        {
            seen.Add(done);
            source.Cancel();
        });
        Assert.ThrowsExactly<OperationCanceledException>(
            () => new LogLikelihoodScorer(model, batchTokens: 1).Score(_requests, progress, source.Token));
        Assert.HasCount(1, seen);
        Assert.ThrowsExactly<OperationCanceledException>(() => new LogLikelihoodScorer(model).ScoreRolling(["a"], null, source.Token));
    }

    [TestMethod]
    public void ProgressCountsRequestsUpToTheirNumber()
    {
        using LanguageModel model = Make(Shapes[0], Scheme.Midpoint);
        var seen = new List<int>();
        new LogLikelihoodScorer(model, batchTokens: 60).Score(_requests, new Reports(seen.Add), default);
        CollectionAssert.AreEqual(seen.Order().ToArray(), seen);
        Assert.AreEqual(_requests.Length, seen[^1]);
        Assert.IsGreaterThan(2, seen.Count);
    }

    [TestMethod]
    public void NoTensorStays()
    {
        using LanguageModel model = Make(Shapes[1], Scheme.Parse("bdia"));
        var scorer = new LogLikelihoodScorer(model);
        scorer.Score(_requests, null, default);
        long before = TestModels.LiveTensors();
        scorer.Score(_requests, null, default);
        scorer.ScoreRolling(["some text"], null, default);
        Assert.AreEqual(before, TestModels.LiveTensors());
    }

    [TestMethod]
    public void NothingGivesNothing()
    {
        using LanguageModel model = Make(Shapes[0], Scheme.Midpoint);
        Assert.IsEmpty(new LogLikelihoodScorer(model).Score([], null, default));
        Assert.IsEmpty(new LogLikelihoodScorer(model).ScoreRolling([], null, default));
    }

    [TestMethod]
    public void WhatCannotBeScoredIsRefused()
    {
        using LanguageModel model = Make(Shapes[0], Scheme.Midpoint);
        var scorer = new LogLikelihoodScorer(model);
        Assert.ThrowsExactly<ArgumentException>(() => scorer.Score([default], null, default));
        Assert.ThrowsExactly<ArgumentException>(() => scorer.ScoreRolling([null!], null, default));
        using (no_grad()) model.Network.HeadWeight.fill_(double.NaN);
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(() => scorer.Score(_requests, null, default)).Message, "not finite");
        model.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => scorer.Score(_requests, null, default));
    }

    private static LanguageModelConfiguration[] Shapes =>
    [
        TestModels.Small with { VocabularySize = _bytes.VocabularySize, ContextLength = Window },
        TestModels.SmallLlama with { VocabularySize = _bytes.VocabularySize, ContextLength = Window },
    ];

    private static LanguageModel Make(LanguageModelConfiguration shape, Scheme scheme) =>
        new(TestModels.Make(shape, scheme, BackwardMode.Stored), _bytes);

    private static bool IsGreedy(LanguageModel model, int[] ids) => OneAtATime.Score(model.Network, ids, 1).IsGreedy;

    private static void AreSame(ContinuationScore expected, ContinuationScore actual, string what)
    {
        Assert.AreEqual(expected.LogLikelihood, actual.LogLikelihood, 1e-5 + 2e-7 * Math.Abs(expected.LogLikelihood), what);
        Assert.AreEqual(expected.IsGreedy, actual.IsGreedy, what);
        Assert.AreEqual(expected.TokenCount, actual.TokenCount, what);
    }

    private sealed class Reports(Action<int> report) : IProgress<int>
    {
        public void Report(int value) => report(value);
    }
}
