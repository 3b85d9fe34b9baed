using Microsoft.ML.Reversible.Language;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class CachedLogitsTests
{
    /// <summary>BDIA's default grid is so coarse that one rounding shows; a fine one shows the cache's own error.</summary>
    private static readonly Scheme[] Schemes =
    [
        .. Scheme.All.Where(s => s is not Bdia),
        new Bdia { Bits = 24 },
        new Bdia { Bits = 24, Inference = BdiaInference.Recurrence },
        new Bdia { Bits = 24, Inference = BdiaInference.Recurrence, Signs = BdiaSigns.Positive, K = 8 },
        new IteratedInverse { A = -1, M = 3 },
        new Midpoint(0.25) { Start = Start.Euler, ReadOut = ReadOut.Mean },
    ];

    public static IEnumerable<object[]> Cases =>
        from scheme in Schemes
        from arithmetic in Enum.GetValues<Arithmetic>()
        where arithmetic == Arithmetic.Float || scheme.CanBeExact
        from family in Enum.GetValues<ModelFamily>()
        select new object[] { scheme, arithmetic, family };

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void EqualTheUncachedOnesAtEveryPosition(Scheme scheme, Arithmetic arithmetic, ModelFamily family) =>
        Assert.IsLessThan(1e-5, LargestDifference(scheme, arithmetic, family, Precision.Float32));

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void EqualTheUncachedOnesInBFloat16WithinItsRounding(Scheme scheme, Arithmetic arithmetic, ModelFamily family) =>
        Assert.IsLessThan(0.05, LargestDifference(scheme, arithmetic, family, Precision.BFloat16));

    [TestMethod]
    [DataRow(ModelFamily.Gpt2)]
    [DataRow(ModelFamily.Llama)]
    public void EqualTheUncachedOnesOnTheCoarseGridOfBdiaWithinAFewOfItsSteps(ModelFamily family) =>
        Assert.IsLessThan(0.02, LargestDifference(Scheme.Bdia, Arithmetic.Exact, family, Precision.Float32));

    [TestMethod]
    [DataRow(ModelFamily.Gpt2, 16)]
    [DataRow(ModelFamily.Llama, 16)]
    [DataRow(ModelFamily.Llama, 5)]
    [DataRow(ModelFamily.Gpt2, 2)]
    [DataRow(ModelFamily.Llama, 1)]
    [DataRow(ModelFamily.Gemma3, 16)]
    public void AFullContextGoesOnFromItsLastHalf(ModelFamily family, int context)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        using LanguageNetwork model = Network(Scheme.Leapfrog, Arithmetic.Float, family, Precision.Float32, context);
        int[] ids = RandomIds(count: 3 * context + 4);
        int first = Math.Min(3, context);
        using var batch = new SequenceBatch(model, [ids[..first]]);
        batch.Read();
        int held = first;
        for (int end = first; end < ids.Length; end++)
        {
            held = held == context ? (context + 1) / 2 : held + 1;
            AreNear(Uncached(model, ids[(end + 1 - held)..(end + 1)])[^1], Rows(batch.Append([ids[end]]))[0], 1e-5);
        }
    }

    [TestMethod]
    public void APromptLongerThanTheContextCountsFromItsLastTokens()
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        using LanguageNetwork model = Network(Scheme.Midpoint, Arithmetic.Float, ModelFamily.Gpt2, Precision.Float32);
        int[] ids = RandomIds(count: 40);
        using var batch = new SequenceBatch(model, [ids]);
        AreNear(Uncached(model, ids[^16..])[^1], Rows(batch.Read())[0], 1e-5);
    }

    [TestMethod]
    [DataRow("midpoint", ModelFamily.Gpt2)]
    [DataRow("hamiltonian", ModelFamily.Llama)]
    [DataRow("bdia:inference=recurrence,bits=24", ModelFamily.Llama)]
    [DataRow("iterated-inverse:a=0.5,m=2", ModelFamily.Gpt2)]
    [DataRow("midpoint", ModelFamily.Mistral)]
    [DataRow("midpoint", ModelFamily.Gemma2)]
    public void ARowOfABatchGivesWhatItGivesAloneAlsoWhereRowsSlideAndLeave(string scheme, ModelFamily family)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        using LanguageNetwork model = Network(Scheme.Parse(scheme), Arithmetic.Exact, family, Precision.Float32);
        int[][] prompts = [RandomIds(3, 1), RandomIds(16, 2), RandomIds(1, 3), RandomIds(11, 4)];
        int[] tokens = RandomIds(30, 5);
        SequenceBatch[] alone = [.. prompts.Select(prompt => new SequenceBatch(model, [prompt]))];
        using var together = new SequenceBatch(model, prompts);
        AreTheSame([0, 1, 2, 3], together.Read(), batch => batch.Read());

        List<int> rows = [0, 1, 2, 3];
        for (int t = 0; t < tokens.Length; t++)
        {
            if (t is 4 or 12)
            {
                together.Keep(t == 4 ? [0, 2, 3] : [1, 2]);
                rows.RemoveAt(t == 4 ? 1 : 0);
            }
            int token = tokens[t];
            AreTheSame(rows, together.Append([.. rows.Select(row => (token + row) % 50)]), null, token);
        }
        foreach (SequenceBatch batch in alone) batch.Dispose();

        void AreTheSame(IReadOnlyList<int> rows, Tensor actual, Func<SequenceBatch, Tensor>? read, int token = 0)
        {
            for (int i = 0; i < rows.Count; i++)
            {
                Tensor expected = read?.Invoke(alone[rows[i]]) ?? alone[rows[i]].Append([(token + rows[i]) % 50]);
                AreNear(Rows(expected)[0], Rows(actual)[i], 1e-5);
            }
        }
    }

    [TestMethod]
    public void ACacheLeavesNoTensors()
    {
        using LanguageNetwork model = Network(Scheme.Bdia, Arithmetic.Exact, ModelFamily.Llama, Precision.Float32);
        long before = TestModels.LiveTensors();
        using (var scope = NewDisposeScope())
        using (no_grad())
        using (var batch = new SequenceBatch(model, [RandomIds(3), RandomIds(15)]))
        {
            batch.Read();
            for (int i = 0; i < 20; i++) batch.Append([1, 2]);
            batch.Keep([1]);
            batch.Append([3]);
        }
        Assert.AreEqual(before, TestModels.LiveTensors());
    }

    private static LanguageNetwork Network(
        Scheme scheme, Arithmetic arithmetic, ModelFamily family, Precision precision, int context = 16)
    {
        LanguageModelConfiguration shape = TestModels.Of(family) with { ContextLength = context };
        LanguageNetwork model = TestModels.Make(shape, scheme, BackwardMode.Stored, precision, arithmetic: arithmetic);
        // Fresh weights are so small that attention hardly matters.
        foreach (Tensor parameter in model.parameters().Where(p => p.dim() == 2)) parameter.detach().mul_(4);
        return model;
    }

    private static double LargestDifference(Scheme scheme, Arithmetic arithmetic, ModelFamily family, Precision precision)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        using LanguageNetwork model = Network(scheme, arithmetic, family, precision);
        int[] ids = RandomIds(count: 16);
        float[][] uncached = Uncached(model, ids);
        using var batch = new SequenceBatch(model, [ids[..5]]);
        double largest = Difference(uncached[4], Rows(batch.Read())[0]);
        for (int t = 5; t < ids.Length; t++) largest = Math.Max(largest, Difference(uncached[t], Rows(batch.Append([ids[t]]))[0]));
        return largest;
    }

    private static int[] RandomIds(int count, int seed = 7)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(50))];
    }

    private static float[][] Uncached(LanguageNetwork model, int[] ids) =>
        Rows(model.call(tensor(Array.ConvertAll(ids, id => (long)id), [1, ids.Length]))[0]);

    private static float[][] Rows(Tensor logits) => [.. logits.unbind(0).Select(row => row.data<float>().ToArray())];

    private static double Difference(float[] expected, float[] actual) => expected.Zip(actual, (e, a) => Math.Abs((double)e - a)).Max();

    private static void AreNear(float[] expected, float[] actual, double tolerance) =>
        Assert.IsLessThan(tolerance, Difference(expected, actual));
}
