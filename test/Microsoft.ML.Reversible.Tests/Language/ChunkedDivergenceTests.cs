using Microsoft.ML.Reversible.Language;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class ChunkedDivergenceTests
{
    private const int Tokens = 33, Vocabulary = 101;

    public static IEnumerable<object[]> Losses =>
        from divergence in Enum.GetValues<Divergence>()
        from temperature in new[] { 1.0, 0.5, 3.0 }
        from crossEntropy in new[] { 0.0, 0.3, 1.0 }
        from weight in divergence == Divergence.JensenShannon ? new[] { 0.1, 0.5, 0.9 } : [0.5]
        select new object[] { divergence, temperature, crossEntropy, weight };

    [TestMethod]
    [DynamicData(nameof(Losses))]
    public void EqualsAutomaticDifferentiationOfWholeLogitsWhateverTheChunk(
        Divergence divergence, double temperature, double crossEntropy, double weight)
    {
        using var scope = NewDisposeScope();
        var loss = new DistillationLoss(divergence, temperature, crossEntropy, weight);
        (LinearHead student, LinearHead teacher, Tensor targets) = Random(ScalarType.Float64);
        Tensor h = student.Hidden.requires_grad_(), w = student.Weight.requires_grad_();
        Tensor expected = Plain(h.mm(w.t()), teacher.Hidden.mm(teacher.Weight.t()), targets, loss);
        (expected * 0.25).backward();

        foreach (long chunkElements in new[] { 1L, Vocabulary * 5, Vocabulary * 11 + 1, 1 << 20 })
        {
            Tensor gradWeight = ones_like(w);
            var (sum, gradHidden) = ChunkedDivergence.Differentiate(student, teacher, targets, gradWeight, loss, 0.25, chunkElements);
            Assert.AreEqual(expected.ToDouble(), sum.ToDouble(), 1e-12 * expected.ToDouble());
            Assert.IsLessThan(1e-12, TestModels.RelativeError(gradHidden, h.grad!));
            Assert.IsLessThan(1e-12, TestModels.RelativeError(gradWeight - 1, w.grad!), "added to what was there");
        }
    }

    [TestMethod]
    [DataRow(0.0)]
    [DataRow(0.3)]
    public void SoftCapsOfBothLogitsAreDifferentiatedToo(double crossEntropy)
    {
        using var scope = NewDisposeScope();
        var loss = new DistillationLoss(Divergence.ForwardKl, 2, crossEntropy);
        (LinearHead student, LinearHead teacher, Tensor targets) = Random(ScalarType.Float64);
        (student, teacher) = (student with { Cap = 1.5 }, teacher with { Cap = 3 });
        Tensor h = student.Hidden.requires_grad_(), w = student.Weight.requires_grad_();
        Tensor expected = Plain(
            (h.mm(w.t()) / 1.5).tanh() * 1.5, (teacher.Hidden.mm(teacher.Weight.t()) / 3).tanh() * 3, targets, loss);
        (expected * 0.25).backward();

        Tensor gradWeight = zeros_like(w);
        var (sum, gradHidden) = ChunkedDivergence.Differentiate(student, teacher, targets, gradWeight, loss, 0.25, Vocabulary * 5);

        Assert.AreEqual(expected.ToDouble(), sum.ToDouble(), 1e-12 * expected.ToDouble());
        Assert.IsLessThan(1e-12, TestModels.RelativeError(gradHidden, h.grad!));
        Assert.IsLessThan(1e-12, TestModels.RelativeError(gradWeight, w.grad!));
    }

    [TestMethod]
    [DynamicData(nameof(Losses))]
    public void StaysWithinRoundingOfFloat32(Divergence divergence, double temperature, double crossEntropy, double weight) =>
        Compare(new DistillationLoss(divergence, temperature, crossEntropy, weight), ScalarType.Float32, 1e-5);

    [TestMethod]
    [DataRow(Divergence.ForwardKl)]
    [DataRow(Divergence.ReverseKl)]
    [DataRow(Divergence.JensenShannon)]
    public void BFloat16StaysWithinItsRounding(Divergence divergence) =>
        Compare(new DistillationLoss(divergence, 2, 0.3), ScalarType.BFloat16, 3e-2);

    [TestMethod]
    [DataRow(Divergence.ForwardKl)]
    [DataRow(Divergence.ReverseKl)]
    [DataRow(Divergence.JensenShannon)]
    public void AStudentThatIsItsTeacherHasNothingToLearn(Divergence divergence)
    {
        using var scope = NewDisposeScope();
        (LinearHead student, _, Tensor targets) = Random(ScalarType.Float32);
        Tensor gradWeight = zeros_like(student.Weight);
        var (sum, gradHidden) = ChunkedDivergence.Differentiate(student, student, targets, gradWeight, new(divergence, 2), 1, 1000);
        double rounding = divergence == Divergence.JensenShannon ? 1e-4 : 0;
        Assert.AreEqual(0.0, sum.ToDouble(), rounding);
        Assert.AreEqual(0.0, gradHidden.abs().max().ToDouble(), rounding);
        Assert.AreEqual(0.0, gradWeight.abs().max().ToDouble(), rounding);
    }

    /// <summary>Every pair of an even, a one-hot and an opposite one-hot distribution.</summary>
    [TestMethod]
    [DataRow(Divergence.ForwardKl, 0.5)]
    [DataRow(Divergence.ReverseKl, 0.5)]
    [DataRow(Divergence.JensenShannon, 0.5)]
    [DataRow(Divergence.JensenShannon, 1e-9)]
    [DataRow(Divergence.JensenShannon, 1 - 1e-9)]
    public void ExtremeLogitsGiveNumbers(Divergence divergence, double weight)
    {
        using var scope = NewDisposeScope();
        Tensor heads = tensor(new[] { 1f, -1f, 0f }, [3, 1]);
        var student = new LinearHead(tensor(new[] { 1e4f, 1e4f, -1e4f, 0f, 0f }, [5, 1]), heads, ScalarType.Float32);
        LinearHead teacher = student with { Hidden = tensor(new[] { 1e4f, -1e4f, 1e4f, -1e4f, 0f }, [5, 1]) };
        Tensor targets = tensor(new long[] { 0, 0, 1, 2, 2 });
        foreach (double temperature in new[] { 0.1, 1, 10 })
        {
            Tensor gradWeight = zeros_like(heads);
            var (sum, gradHidden) = ChunkedDivergence.Differentiate(
                student, teacher, targets, gradWeight, new(divergence, temperature, 0.5, weight), 1);
            Assert.IsTrue(double.IsFinite(sum.ToDouble()) && sum.ToDouble() > 0, $"{sum.ToDouble()}");
            Assert.IsTrue(gradHidden.isfinite().all().item<bool>() && gradWeight.isfinite().all().item<bool>());
        }
    }

    [TestMethod]
    public void WhereAllTargetsAreIgnoredEverythingIsZeroEvenOfBrokenStates()
    {
        using var scope = NewDisposeScope();
        (LinearHead student, LinearHead teacher, _) = Random(ScalarType.Float32);
        student.Hidden.fill_(double.NaN);
        teacher.Hidden.fill_(double.NaN);
        Tensor targets = full([Tokens], ChunkedCrossEntropy.Ignored, dtype: ScalarType.Int64), gradWeight = zeros_like(student.Weight);
        var (sum, gradHidden) = ChunkedDivergence.Differentiate(student, teacher, targets, gradWeight, new(CrossEntropyWeight: 0.5), 1);
        Assert.AreEqual(0.0, sum.ToDouble());
        Assert.AreEqual(0.0, gradHidden.abs().sum().ToDouble());
        Assert.AreEqual(0.0, gradWeight.abs().sum().ToDouble());
        Assert.AreEqual(new DivergenceSums(), ChunkedDivergence.Measure(student, teacher, targets));
    }

    /// <summary>By equation, for β = 1/1000: β times forward KL; for 1 - β, β times reverse KL.</summary>
    [TestMethod]
    [DataRow(1e-3, Divergence.ForwardKl)]
    [DataRow(1 - 1e-3, Divergence.ReverseKl)]
    public void JensenShannonNearsTheDivergencesAtItsEnds(double weight, Divergence end)
    {
        using var scope = NewDisposeScope();
        (LinearHead student, LinearHead teacher, Tensor targets) = Random(ScalarType.Float64, deviation: 0.1);
        (Tensor Sum, Tensor GradHidden) Of(DistillationLoss loss) =>
            ChunkedDivergence.Differentiate(student, teacher, targets, zeros_like(student.Weight), loss, 1);
        var (sum, gradient) = Of(new(Divergence.JensenShannon, JensenShannonWeight: weight));
        var (endSum, endGradient) = Of(new(end));
        Assert.AreEqual(endSum.ToDouble(), sum.ToDouble() / 1e-3, 2e-2 * endSum.ToDouble());
        Assert.IsLessThan(2e-2, TestModels.RelativeError(gradient / 1e-3, endGradient));
    }

    [TestMethod]
    public void TheMeasurementIsThatOfWholeLogitsInFloat64()
    {
        using var scope = NewDisposeScope();
        (LinearHead student, LinearHead teacher, Tensor targets) = Random(ScalarType.Float64);
        Tensor s = student.Hidden.mm(student.Weight.t()).log_softmax(1), t = teacher.Hidden.mm(teacher.Weight.t()).log_softmax(1);
        Tensor counted = targets.ne(ChunkedCrossEntropy.Ignored).to(ScalarType.Float64), target = targets.clamp(min: 0).unsqueeze(1);
        long agreements = (long)(s.argmax(1).eq(t.argmax(1)).to(ScalarType.Float64) * counted).sum().ToDouble();
        foreach (long chunkElements in new[] { 1L, Vocabulary * 5, 1 << 20 })
        {
            DivergenceSums actual = ChunkedDivergence.Measure(student, teacher, targets, chunkElements);
            Assert.AreEqual(((t.exp() * (t - s)).sum(1) * counted).sum().ToDouble(), actual.Kl, 1e-11);
            Assert.AreEqual((s.gather(1, target).squeeze(1) * counted).sum().ToDouble(), actual.StudentLogLikelihood, 1e-11);
            Assert.AreEqual((t.gather(1, target).squeeze(1) * counted).sum().ToDouble(), actual.TeacherLogLikelihood, 1e-11);
            Assert.AreEqual(agreements, actual.Agreements);
            Assert.AreEqual(22, actual.Tokens);
        }
        Assert.AreEqual(0, ChunkedDivergence.Measure(student, student, targets).Kl);
        Assert.AreEqual(22, ChunkedDivergence.Measure(student, student, targets).Agreements);
    }

    /// <summary>To second order KL is half the variance, under the teacher, of what the logits change by: 1e-9 here.</summary>
    [TestMethod]
    public void AMeasuredDivergenceFarBelowTheRoundingOfFloat32IsRight()
    {
        using var scope = NewDisposeScope();
        (LinearHead student, _, Tensor targets) = Random(ScalarType.Float64);
        Tensor change = randn([16], dtype: ScalarType.Float64) * 1e-5;
        LinearHead near = student with { Hidden = student.Hidden + change };
        Tensor p = student.Hidden.mm(student.Weight.t()).softmax(1), d = student.Weight.mv(change);
        Tensor variance = (p * d.square()).sum(1) - (p * d).sum(1).square();
        Tensor counted = targets.ne(ChunkedCrossEntropy.Ignored).to(ScalarType.Float64);
        double expected = (variance * counted).sum().ToDouble() / 2;
        Assert.IsLessThan(1e-6, expected);
        Assert.AreEqual(expected, ChunkedDivergence.Measure(near, student, targets).Kl, 1e-3 * expected);
    }

    [TestMethod]
    [TestCategory("Cuda")]
    public void TheTeacherMayBeOnAnotherDevice()
    {
        Device device = TestModels.RequireCuda();
        using var scope = NewDisposeScope();
        (LinearHead student, LinearHead teacher, Tensor targets) = Random(ScalarType.Float32);
        var loss = new DistillationLoss(Divergence.JensenShannon, 2, 0.3);
        var (expected, expectedHidden) = ChunkedDivergence.Differentiate(student, teacher, targets, zeros_like(student.Weight), loss, 1);
        DivergenceSums measured = ChunkedDivergence.Measure(student, teacher, targets);
        student = student with { Hidden = student.Hidden.to(device), Weight = student.Weight.to(device) };
        targets = targets.to(device);
        var (sum, gradHidden) = ChunkedDivergence.Differentiate(student, teacher, targets, zeros_like(student.Weight), loss, 1, 1000);
        Assert.AreEqual(expected.ToDouble(), sum.ToDouble(), 1e-4 * expected.ToDouble());
        Assert.IsLessThan(1e-4, TestModels.RelativeError(gradHidden, expectedHidden));
        Assert.AreEqual(measured.Kl, ChunkedDivergence.Measure(student, teacher, targets).Kl, 1e-4 * measured.Kl);
    }

    private static void Compare(DistillationLoss loss, ScalarType compute, double bound)
    {
        using var scope = NewDisposeScope();
        (LinearHead student, LinearHead teacher, Tensor targets) = Random(ScalarType.Float32);
        Tensor h = student.Hidden.to(ScalarType.Float64).requires_grad_(), w = student.Weight.to(ScalarType.Float64).requires_grad_();
        Tensor teacherLogits = teacher.Hidden.to(ScalarType.Float64).mm(teacher.Weight.to(ScalarType.Float64).t());
        Tensor expected = Plain(h.mm(w.t()), teacherLogits, targets, loss);
        (expected * 0.25).backward();
        Tensor gradWeight = zeros_like(student.Weight);
        var (sum, gradHidden) = ChunkedDivergence.Differentiate(
            student with { Compute = compute }, teacher with { Compute = compute }, targets, gradWeight, loss, 0.25, 1000);
        Assert.AreEqual(ScalarType.Float64, sum.dtype);
        Assert.AreEqual(ScalarType.Float32, gradHidden.dtype);
        Assert.AreEqual(expected.ToDouble(), sum.ToDouble(), bound * expected.ToDouble());
        Assert.IsLessThan(bound, TestModels.RelativeError(gradHidden, h.grad!));
        Assert.IsLessThan(bound, TestModels.RelativeError(gradWeight, w.grad!));
    }

    /// <summary>The loss by its definition, which automatic differentiation can follow.</summary>
    private static Tensor Plain(Tensor logits, Tensor teacherLogits, Tensor targets, DistillationLoss loss)
    {
        Tensor counted = targets.ne(ChunkedCrossEntropy.Ignored).to(ScalarType.Float64);
        Tensor s = (logits / loss.Temperature).softmax(1), t = (teacherLogits / loss.Temperature).softmax(1);
        double beta = loss.JensenShannonWeight;
        Tensor m = t * beta + s * (1 - beta);
        Tensor divergence = loss.Divergence switch
        {
            Divergence.ForwardKl => Kl(t, s),
            Divergence.ReverseKl => Kl(s, t),
            _ => Kl(t, m) * beta + Kl(s, m) * (1 - beta),
        };
        Tensor crossEntropy = -logits.log_softmax(1).gather(1, targets.clamp(min: 0).unsqueeze(1)).squeeze(1);
        double alpha = loss.CrossEntropyWeight;
        Tensor each = divergence * ((1 - alpha) * loss.Temperature * loss.Temperature) + crossEntropy * alpha;
        return (each * counted).sum();

        static Tensor Kl(Tensor p, Tensor q) => (p * (p.log() - q.log())).sum(1);
    }

    /// <summary>33 tokens of which every third is ignored, a student of width 16 and a teacher of width 24, over 101 tokens.</summary>
    private static (LinearHead Student, LinearHead Teacher, Tensor Targets) Random(ScalarType type, double deviation = 0.5)
    {
        using var random = new Generator(2);
        Tensor ignored = arange(0, Tokens, dtype: ScalarType.Int64).remainder(3).eq(1);
        Tensor targets = randint(0, Vocabulary, [Tokens], dtype: ScalarType.Int64, generator: random);
        return (Head(16), Head(24), targets.masked_fill(ignored, ChunkedCrossEntropy.Ignored));

        LinearHead Head(int width) => new(
            randn([Tokens, width], dtype: type, generator: random),
            randn([Vocabulary, width], dtype: type, generator: random) * deviation, type);
    }
}
