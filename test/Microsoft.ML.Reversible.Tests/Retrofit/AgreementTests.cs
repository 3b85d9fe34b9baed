using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Retrofit;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Retrofit;

[TestClass]
public sealed class AgreementTests
{
    private static LanguageNetwork Network(int seed, Scheme? scheme = null, Precision precision = Precision.Float32) =>
        TestModels.Make(TestModels.SmallLlama, scheme ?? Scheme.Residual, BackwardMode.Stored, precision, seed: seed);

    [TestMethod]
    public void TheNumbersAreThoseOfPlainLoops()
    {
        using LanguageNetwork teacher = Network(1), student = Network(2, Scheme.Midpoint);
        RetrofitTexts.Sharpen(teacher);
        RetrofitTexts.Sharpen(student);
        TokenBatch[] batches = [RetrofitTexts.Batch(3, 7, seed: 1, ignored: 4), RetrofitTexts.Batch(1, 5, seed: 2)];
        RetrofitAgreement measured = Agreement.Measure(teacher, student, batches, default);

        (double kl, double agree, double ofTeacher, double ofStudent) = (0, 0, 0, 0);
        foreach (TokenBatch batch in batches)
        {
            double[][] t = LogProbabilities(teacher, batch), s = LogProbabilities(student, batch);
            for (int i = 0; i < t.Length; i++)
            {
                long target = batch.Targets[i];
                if (target == TokenBatch.Ignored) continue;
                kl += t[i].Zip(s[i], (a, b) => Math.Exp(a) * (a - b)).Sum();
                agree += Array.IndexOf(t[i], t[i].Max()) == Array.IndexOf(s[i], s[i].Max()) ? 1 : 0;
                ofTeacher -= t[i][target];
                ofStudent -= s[i][target];
            }
        }
        Assert.AreEqual(22, measured.TokenCount);
        Assert.AreEqual(kl / 22, measured.KlPerToken, 1e-6 * kl);
        Assert.IsGreaterThan(0.01, measured.KlPerToken);
        Assert.AreEqual(agree / 22, measured.Top1Agreement, 1e-12);
        Assert.IsTrue(measured.Top1Agreement < 1);
        Assert.AreEqual(ofTeacher / 22, measured.TeacherLoss, 1e-5);
        Assert.AreEqual(ofStudent / 22, measured.StudentLoss, 1e-5);
        Assert.AreEqual(Math.Exp(measured.StudentLoss), measured.StudentPerplexity);
        Assert.AreEqual(Math.Exp(measured.TeacherLoss), measured.TeacherPerplexity);
    }

    [TestMethod]
    public void ATeacherAgreesWithItself()
    {
        using LanguageNetwork teacher = Network(1);
        RetrofitAgreement measured = Agreement.Measure(teacher, teacher, [RetrofitTexts.Batch(2, 8, seed: 1)], default);
        Assert.AreEqual(new RetrofitAgreement(0, 1, measured.TeacherLoss, measured.TeacherLoss, 16), measured);
    }

    [TestMethod]
    public void ATeacherInAnotherPrecisionIsNearButNotEqual()
    {
        using LanguageNetwork teacher = Network(1, precision: Precision.BFloat16), student = Network(1);
        RetrofitAgreement measured = Agreement.Measure(teacher, student, [RetrofitTexts.Batch(2, 8, seed: 1)], default);
        Assert.IsTrue(measured.KlPerToken is > 0 and < 1e-3, $"{measured}");
    }

    [TestMethod]
    public void ATeacherOnAnotherDeviceIsCompared()
    {
        Device device = TestModels.RequireCuda();
        using LanguageNetwork teacher = TestModels.Make(TestModels.SmallLlama, Scheme.Residual, BackwardMode.Stored, device: device);
        using LanguageNetwork student = Network(1);
        RetrofitAgreement measured = Agreement.Measure(teacher, student, [RetrofitTexts.Batch(2, 8, seed: 1)], default);
        Assert.IsLessThan(1e-9, measured.KlPerToken);
    }

    [TestMethod]
    [DynamicData(nameof(Schemes))]
    public void TheBlocksUnderAnotherSchemeAreAStudentWithTheSameWeights(Scheme scheme)
    {
        using LanguageNetwork teacher = Network(1);
        RetrofitTexts.Sharpen(teacher);
        using LanguageNetwork student = TestModels.Make(
            TestModels.SmallLlama, scheme, BackwardMode.Stored, seed: 2, arithmetic: scheme.DefaultArithmetic);
        RetrofitTexts.CopyWeights(teacher, student);
        TokenBatch[] batches = [RetrofitTexts.Batch(3, 7, seed: 1), RetrofitTexts.Batch(1, 5, seed: 2)];
        using var sample = new TeacherSample(teacher, batches);
        Assert.AreEqual(26, sample.TokenCount);
        RetrofitAgreement measured = sample.Measure(scheme);
        Assert.AreEqual(Agreement.Measure(teacher, student, batches, default), measured);
        Assert.IsGreaterThan(1e-6, measured.KlPerToken);
    }

    public static IEnumerable<object[]> Schemes => new Scheme[]
    {
        new Midpoint(0.7) { Start = Start.Euler }, new Leapfrog(0.4), Bdia.Blend(4),
        new IteratedInverse { A = -0.25, M = 2 }, new IteratedInverse { A = 1 },
    }.Select(scheme => new object[] { scheme });

    [TestMethod]
    public void AStudentThatLeavesTheRangeOfExactArithmeticIsInfinitelyFar()
    {
        using LanguageNetwork teacher = Network(1);
        RetrofitTexts.Sharpen(teacher, 1e9);
        using var sample = new TeacherSample(teacher, [RetrofitTexts.Batch(1, 4, seed: 1)]);
        Assert.AreEqual(double.PositiveInfinity, sample.Measure(Bdia.Blend(4) with { Bits = 30 }).Distance);
    }

    [TestMethod]
    public void NoTextAndCancellationAreTold()
    {
        using LanguageNetwork teacher = Network(1);
        TokenBatch batch = RetrofitTexts.Batch(1, 4, seed: 1), padding = RetrofitTexts.Batch(1, 4, seed: 1, ignored: 4);
        foreach (TokenBatch[] none in new TokenBatch[][] { [], [padding] })
        {
            var e = Assert.ThrowsExactly<InvalidOperationException>(() => Agreement.Measure(teacher, teacher, none, default));
            StringAssert.Contains(e.Message, "Give more text");
        }
        var cancelled = new CancellationToken(canceled: true);
        Assert.ThrowsExactly<OperationCanceledException>(() => Agreement.Measure(teacher, teacher, [batch], cancelled));
        Assert.ThrowsExactly<OperationCanceledException>(() => new TeacherSample(teacher, [batch], cancelled));
    }

    [TestMethod]
    public void NoTensorOutlivesAMeasurement()
    {
        using LanguageNetwork teacher = Network(1), student = Network(2);
        TokenBatch[] batches = [RetrofitTexts.Batch(2, 4, seed: 1), RetrofitTexts.Batch(2, 4, seed: 2)];
        long before = TestModels.LiveTensors();
        Agreement.Measure(teacher, student, batches, default);
        using (var sample = new TeacherSample(teacher, batches)) sample.Measure(Bdia.Blend(2));
        using (var stop = new CancellationTokenSource())
            Assert.ThrowsExactly<OperationCanceledException>(() => new TeacherSample(teacher, Stopping(batches, stop), stop.Token));
        Assert.AreEqual(before, TestModels.LiveTensors());
    }

    private static IEnumerable<TokenBatch> Stopping(TokenBatch[] batches, CancellationTokenSource stop)
    {
        yield return batches[0];
        stop.Cancel();
        yield return batches[1];
    }

    private static double[][] LogProbabilities(LanguageNetwork network, TokenBatch batch)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        float[] logits = network.call(batch.ToTensors(CPU).Ids).contiguous().data<float>().ToArray();
        return [.. logits.Chunk(network.Configuration.VocabularySize).Select(row =>
        {
            double sum = Math.Log(row.Sum(z => Math.Exp(z)));
            return row.Select(z => z - sum).ToArray();
        })];
    }
}
