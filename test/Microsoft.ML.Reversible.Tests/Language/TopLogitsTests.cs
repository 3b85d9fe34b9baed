using Microsoft.ML.Reversible.Language;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class TopLogitsTests
{
    private const int Tokens = 33, Vocabulary = 101;

    public static IEnumerable<object[]> Losses =>
        from divergence in Enum.GetValues<Divergence>()
        from temperature in new[] { 1.0, 2.0 }
        from crossEntropy in new[] { 0.0, 0.3 }
        select new object[] { new DistillationLoss(divergence, temperature, crossEntropy, 0.4) };

    [TestMethod]
    [DynamicData(nameof(Losses))]
    public void EqualsAutomaticDifferentiationOverTheClassesWhateverTheChunk(object of)
    {
        var loss = (DistillationLoss)of;
        using var scope = NewDisposeScope();
        (LinearHead student, LinearHead teacher, Tensor targets) = Random(ScalarType.Float64);
        Tensor h = student.Hidden.requires_grad_(), w = student.Weight.requires_grad_();
        foreach (int k in new[] { 1, 7, Vocabulary - 1 })
        {
            (h.grad, w.grad) = (null, null);
            TopLogits top = TopLogits.Of(teacher, loss.Temperature, k);
            Tensor expected = Plain(h.mm(w.t()), teacher.Hidden.mm(teacher.Weight.t()), top.Ids, targets, loss);
            (expected * 0.25).backward();
            foreach (long chunkElements in new[] { 1L, Vocabulary * 5, 1 << 20 })
            {
                Tensor gradWeight = ones_like(w);
                var (sum, gradHidden) = ChunkedDivergence.Differentiate(student, top, targets, gradWeight, loss, 0.25, chunkElements);
                Assert.AreEqual(expected.ToDouble(), sum.ToDouble(), 1e-12 * expected.ToDouble(), $"k = {k}");
                Assert.IsLessThan(1e-12, TestModels.RelativeError(gradHidden, h.grad!));
                Assert.IsLessThan(1e-12, TestModels.RelativeError(gradWeight - 1, w.grad!), "added to what was there");
            }
        }
    }

    [TestMethod]
    [DynamicData(nameof(Losses))]
    public void WithAllTokensItIsTheWholeLoss(object of)
    {
        var loss = (DistillationLoss)of;
        using var scope = NewDisposeScope();
        (LinearHead student, LinearHead teacher, Tensor targets) = Random(ScalarType.Float64);
        Tensor expectedWeight = zeros_like(student.Weight), gradWeight = zeros_like(student.Weight);
        var (expected, expectedHidden) = ChunkedDivergence.Differentiate(student, teacher, targets, expectedWeight, loss, 1);
        TopLogits all = TopLogits.Of(teacher, loss.Temperature, Vocabulary);
        var (sum, gradHidden) = ChunkedDivergence.Differentiate(student, all, targets, gradWeight, loss, 1, 1000);
        Assert.AreEqual(expected.ToDouble(), sum.ToDouble(), 1e-12 * expected.ToDouble());
        Assert.IsLessThan(1e-12, TestModels.RelativeError(gradHidden, expectedHidden));
        Assert.IsLessThan(1e-12, TestModels.RelativeError(gradWeight, expectedWeight));
    }

    [TestMethod]
    public void TheLikeliestAreInOrderAndTheRestHasWhatIsLeft()
    {
        using var scope = NewDisposeScope();
        (_, LinearHead teacher, _) = Random(ScalarType.Float64);
        TopLogits top = TopLogits.Of(teacher, 2, 7);
        (Tensor values, Tensor ids) = (teacher.Hidden.mm(teacher.Weight.t()) / 2).log_softmax(1).topk(7, 1);
        CollectionAssert.AreEqual(ids.data<long>().ToArray(), top.Ids.data<long>().ToArray());
        Assert.IsLessThan(1e-12, TestModels.RelativeError(top.LogProbabilities.narrow(1, 0, 7), values));
        Assert.IsLessThan(1e-12, TestModels.RelativeError(top.LogProbabilities.exp().sum(1), ones(Tokens)));
    }

    [TestMethod]
    [DataRow(Divergence.ForwardKl)]
    [DataRow(Divergence.ReverseKl)]
    [DataRow(Divergence.JensenShannon)]
    public void ExtremeLogitsGiveNumbers(Divergence divergence)
    {
        using var scope = NewDisposeScope();
        Tensor heads = tensor(new[] { 1f, -1f, 0f }, [3, 1]);
        var student = new LinearHead(tensor(new[] { 1e4f, 1e4f, -1e4f, 0f, 0f }, [5, 1]), heads, ScalarType.Float32);
        LinearHead teacher = student with { Hidden = tensor(new[] { 1e4f, -1e4f, 1e4f, -1e4f, 0f }, [5, 1]) };
        Tensor targets = tensor(new long[] { 0, 0, 1, 2, 2 });
        foreach (int k in new[] { 1, 2, 3 })
        {
            Tensor gradWeight = zeros_like(heads);
            var (sum, gradHidden) = ChunkedDivergence.Differentiate(
                student, TopLogits.Of(teacher, 1, k), targets, gradWeight, new(divergence), 1);
            Assert.IsTrue(double.IsFinite(sum.ToDouble()) && sum.ToDouble() > 0, $"{sum.ToDouble()}");
            Assert.IsTrue(gradHidden.isfinite().all().item<bool>() && gradWeight.isfinite().all().item<bool>());
        }
    }

    /// <summary>The loss by its definition over the classes, which automatic differentiation can follow.</summary>
    private static Tensor Plain(Tensor logits, Tensor teacherLogits, Tensor ids, Tensor targets, DistillationLoss loss)
    {
        Tensor counted = targets.ne(ChunkedCrossEntropy.Ignored).to(ScalarType.Float64);
        Tensor s = Joined((logits / loss.Temperature).softmax(1), ids), t = Joined((teacherLogits / loss.Temperature).softmax(1), ids);
        double beta = loss.JensenShannonWeight, alpha = loss.CrossEntropyWeight;
        Tensor m = t * beta + s * (1 - beta);
        Tensor divergence = loss.Divergence switch
        {
            Divergence.ForwardKl => Kl(t, s),
            Divergence.ReverseKl => Kl(s, t),
            _ => Kl(t, m) * beta + Kl(s, m) * (1 - beta),
        };
        Tensor crossEntropy = -logits.log_softmax(1).gather(1, targets.clamp(min: 0).unsqueeze(1)).squeeze(1);
        return ((divergence * ((1 - alpha) * loss.Temperature * loss.Temperature) + crossEntropy * alpha) * counted).sum();

        static Tensor Kl(Tensor p, Tensor q) => (p * (p.log() - q.log())).sum(1);
    }

    private static Tensor Joined(Tensor p, Tensor ids)
    {
        Tensor others = ones_like(p).scatter(1, ids, zeros_like(ids, dtype: p.dtype));
        return cat([p.gather(1, ids), (p * others).sum(1, keepdim: true)], 1);
    }

    /// <summary>33 tokens of which every third is ignored, a student of width 16 and a teacher of width 24, over 101 tokens.</summary>
    private static (LinearHead Student, LinearHead Teacher, Tensor Targets) Random(ScalarType type)
    {
        using var random = new Generator(2);
        Tensor ignored = arange(0, Tokens, dtype: ScalarType.Int64).remainder(3).eq(1);
        Tensor targets = randint(0, Vocabulary, [Tokens], dtype: ScalarType.Int64, generator: random);
        return (Head(16), Head(24), targets.masked_fill(ignored, ChunkedCrossEntropy.Ignored));

        LinearHead Head(int width) => new(
            randn([Tokens, width], dtype: type, generator: random), randn([Vocabulary, width], dtype: type, generator: random) * 0.5, type);
    }
}
