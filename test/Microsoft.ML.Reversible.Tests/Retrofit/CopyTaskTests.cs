using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Tests.Retrofit;

/// <summary>
/// A small GPT that was trained to copy: after 0 w 0 it says w again, for words of up to 15 of 11 symbols, some 998 times in 1000.
/// </summary>
[TestClass]
public sealed class CopyTaskTests
{
    private const int Separator = 0;
    private const int SymbolCount = 11;
    private const int LongestWord = 12;

    private sealed class Row
    {
        [VectorType]
        public int[] Ids { get; set; } = [];
    }

    [TestMethod]
    [DataRow("blend:16", 0)]
    [DataRow("blend:2", 60)]
    [DataRow("iterated-inverse:a=0.5", 60)]
    [DataRow("iterated-inverse:a=-1", 60)]
    [DataRow("midpoint", 200)]
    [DataRow("leapfrog", 60)]
    public void ARetrofittedModelStillCopies(string scheme, int steps)
    {
        var ml = new MLContext(seed: 1) { FallbackToCpu = false };
        var options = new RetrofitEstimator.Options
        {
            TeacherPath = TestData.Require("trax-copy-gpt/hf-gpt2-form"), Scheme = Scheme.Parse(scheme), Distill = steps > 0,
        };
        (options.TextColumnName, options.DocumentBoundaries) = (nameof(Row.Ids), DocumentBoundaries.Respect);
        (options.ContextLength, options.BatchSize) = (2 * LongestWord + 2, 32);
        if (steps > 0) (options.MaxSteps, options.WarmupSteps, options.LearningRate, options.Seed) = (steps, 5, 3e-3, 1);
        var random = new Random(1);
        IDataView rows = ml.Data.LoadFromEnumerable(Enumerable.Range(0, 3000).Select(_ =>
        {
            int[] word = Word(random);
            return new Row { Ids = [Separator, Separator, .. word, Separator, .. word] };
        }));
        using ReversibleLmTransformer student = ml.Reversible().Retrofit(options).Fit(rows);
        var unseen = new Random(2);
        Assert.IsGreaterThanOrEqualTo(99, Enumerable.Range(0, 100).Count(_ => Copies(student, Word(unseen))));
    }

    private static int[] Word(Random random) =>
        [.. Enumerable.Range(0, random.Next(1, LongestWord + 1)).Select(_ => random.Next(1, SymbolCount + 1))];

    private static bool Copies(ReversibleLmTransformer model, int[] word) =>
        model.GenerateIds(
            [Separator, Separator, .. word, Separator],
            new GenerationOptions { MaxTokens = word.Length, Temperature = 0 }).SequenceEqual(word);
}
