using Microsoft.ML.Reversible.Language;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class SoftmaxRowsTests
{
    private const int Rows = 500, Vocabulary = 2001;

    [TestMethod]
    [DataRow(0.3)]
    [DataRow(1.0)]
    [DataRow(10.0)]
    public void LossesFromBFloat16AreRightAndTheirMeanMoreSo(double deviation) => Compare(deviation, CPU);

    [TestMethod]
    [TestCategory("Cuda")]
    [DataRow(0.3)]
    [DataRow(1.0)]
    [DataRow(10.0)]
    public void SoTheyAreOnCuda(double deviation) => Compare(deviation, TestModels.RequireCuda());

    /// <summary>Where a model is sure, its probability in bfloat16 is 1, which would be no loss and no gradient.</summary>
    [TestMethod]
    public void LossesOfSureTokensDoNotVanish()
    {
        using var scope = NewDisposeScope();
        (Tensor logits, Tensor target) = Random(1);
        logits = logits.scatter_(1, target, full_like(target, 15, dtype: ScalarType.BFloat16));
        Tensor expected = Reference(logits, target);
        Assert.IsLessThan(1.5e-3, expected.max().ToDouble());
        SoftmaxRows rows = SoftmaxRows.Of(logits, target);
        Assert.AreEqual(1.0, rows.Probabilities.gather(1, target).min().ToDouble());
        Assert.AreEqual(expected.mean().ToDouble(), rows.NegativeLogLikelihood.mean().ToDouble(), 1e-4);
        Tensor gradTarget = rows.GradLogits(target, 0).gather(1, target).to(ScalarType.Float64);
        Assert.AreEqual(-expected.mean().ToDouble(), gradTarget.mean().ToDouble(), 1e-4);
    }

    [TestMethod]
    public void AVanishedTargetIsMeasuredByOtherTokensAndOneWithoutAnyIsUnbounded()
    {
        using var scope = NewDisposeScope();
        Tensor logits = full([2, Vocabulary], -200, dtype: ScalarType.BFloat16), target = tensor(new long[] { 7, 7 }, [2, 1]);
        logits[0, 0] = tensor(50f).to(ScalarType.BFloat16);
        logits[.., 8] = tensor(50f).to(ScalarType.BFloat16);
        SoftmaxRows rows = SoftmaxRows.Of(logits, target);
        Assert.AreEqual(250 + Math.Log(2), rows.NegativeLogLikelihood[0, 0].ToDouble(), 1e-3);
        Assert.AreEqual(double.PositiveInfinity, rows.NegativeLogLikelihood[1, 0].ToDouble());
        Tensor gradTarget = rows.GradLogits(target, 0).gather(1, target).to(ScalarType.Float32);
        CollectionAssert.AreEqual(new[] { -1f, -1f }, gradTarget.data<float>().ToArray());
    }

    [TestMethod]
    [DataRow(ScalarType.BFloat16)]
    [DataRow(ScalarType.Float32)]
    public void NumbersThatAreNoneStaySo(ScalarType type)
    {
        using var scope = NewDisposeScope();
        (Tensor logits, Tensor target) = Random(1);
        SoftmaxRows rows = SoftmaxRows.Of(logits.to(type).fill_(double.NaN), target);
        Assert.IsTrue(rows.Probabilities.isnan().all().item<bool>());
        Assert.IsFalse(rows.NegativeLogLikelihood.isfinite().any().item<bool>());
    }

    [TestMethod]
    [DataRow(1.0)]
    [DataRow(50.0)]
    [DataRow(1000.0)]
    public void LossesFromFloat32AreRightToItsRoundingHoweverLarge(double deviation)
    {
        using var scope = NewDisposeScope();
        (Tensor logits, Tensor target) = Random(deviation, ScalarType.Float32);
        Tensor expected = Reference(logits, target), probabilities = logits.to(ScalarType.Float64).softmax(1);
        SoftmaxRows rows = SoftmaxRows.Of(logits, target);
        Assert.IsLessThan(2e-6, ((rows.NegativeLogLikelihood - expected) / (expected + deviation)).abs().max().ToDouble());
        Assert.IsLessThan(1e-6 * deviation, (rows.Probabilities - probabilities).abs().max().ToDouble());
    }

    [TestMethod]
    [DataRow(ScalarType.BFloat16)]
    [DataRow(ScalarType.Float32)]
    public void LogitsOfPaddingCountForNothing(ScalarType type)
    {
        using var scope = NewDisposeScope();
        (Tensor logits, Tensor target) = Random(1, type);
        Tensor padded = cat([logits, full(Rows, 47, 1000, dtype: type)], 1);

        SoftmaxRows actual = SoftmaxRows.Of(padded, target, Vocabulary), expected = SoftmaxRows.Of(logits, target);

        Assert.IsTrue(actual.NegativeLogLikelihood.allclose(expected.NegativeLogLikelihood, 1e-5, 1e-5));
        Tensor gradient = actual.GradLogits(target, 0.1);
        Assert.IsTrue(gradient.narrow(1, 0, Vocabulary).allclose(expected.GradLogits(target, 0.1), 1e-2, 1e-6));
        Assert.AreEqual(0.0, gradient.narrow(1, Vocabulary, 47).abs().max().ToDouble());
    }

    private static void Compare(double deviation, Device device)
    {
        using var scope = NewDisposeScope();
        (Tensor logits, Tensor target) = Random(deviation);
        (logits, target) = (logits.to(device), target.to(device));
        Tensor expected = Reference(logits, target), probabilities = logits.to(ScalarType.Float64).softmax(1);
        SoftmaxRows rows = SoftmaxRows.Of(logits, target);
        Tensor error = rows.NegativeLogLikelihood - expected;
        Assert.IsLessThan(5e-5, Math.Abs(error.mean().ToDouble()));
        Assert.IsLessThan(1.5e-3, error.abs().max().ToDouble());
        Assert.AreEqual(ScalarType.BFloat16, rows.Probabilities.dtype);
        Assert.IsLessThan(2.5e-3, TestModels.RelativeError(rows.Probabilities.to(ScalarType.Float64), probabilities));
    }

    /// <summary>From the same logits, in float64 from there on.</summary>
    private static Tensor Reference(Tensor logits, Tensor target) => -logits.to(ScalarType.Float64).log_softmax(1).gather(1, target);

    private static (Tensor Logits, Tensor Target) Random(double deviation, ScalarType type = ScalarType.BFloat16)
    {
        using var random = new Generator(3);
        return (
            (randn([Rows, Vocabulary], generator: random) * deviation).to(type),
            randint(0, Vocabulary, [Rows, 1], dtype: ScalarType.Int64, generator: random));
    }
}
