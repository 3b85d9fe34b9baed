using System.Text.Json;
using Microsoft.ML.Reversible.Tests.Storage;
using Microsoft.ML.Reversible.Tests.Training;

namespace Microsoft.ML.Reversible.Tests.Retrofit;

/// <summary>Tests that the student that is nearer to its teacher, before or after distillation, is the result.</summary>
[TestClass]
public sealed class KeptStudentTests
{
    private const string Told = "Distillation was discarded";

    private readonly MLContext _ml = new(seed: 1) { FallbackToCpu = false };

    [TestMethod]
    [DataRow("blend:64", 0.05)]
    [DataRow("iterated-inverse:a=0.0625", 0.05)]
    [DataRow("bdia", 0.05)]
    public void ADistillationThatMakesTheStudentWorseIsDiscardedToTheBit(string scheme, double rate)
    {
        using ReversibleLmTransformer converted = Retrofits.Fit(o => (o.Scheme, o.Distill) = (Scheme.Parse(scheme), false));
        using ReversibleLmTransformer student = Retrofits.Fit(Worse(Scheme.Parse(scheme), rate));
        RetrofitReport report = student.Retrofit!;
        Assert.IsTrue(report.DistillationDiscarded);
        Assert.IsGreaterThan(report.Before.KlPerToken, report.After!.KlPerToken);
        Assert.AreEqual(converted.Retrofit!.Before, report.Before);
        AssertSame(converted, student);
        Assert.AreEqual(0, student.Metrics!.ModelStep);
        Assert.HasCount(1, student.Metrics.History.Where(p => p.Step == 20).ToArray());

        StringAssert.Contains(report.ToString(), Told);
        using JsonDocument json = JsonDocument.Parse(report.ToJson());
        Assert.IsTrue(json.RootElement.GetProperty("distillation_discarded").GetBoolean());
    }

    [TestMethod]
    public void ADistillationThatBringsTheStudentNearerIsKept()
    {
        Scheme scheme = new IteratedInverse { A = 1 };
        using ReversibleLmTransformer converted = Retrofits.Fit(o => (o.Scheme, o.Distill) = (scheme, false));
        using ReversibleLmTransformer student = Retrofits.Fit(o => o.Scheme = scheme);
        Assert.IsFalse(student.Retrofit!.DistillationDiscarded);
        Assert.IsFalse(student.Retrofit.ToString().Contains(Told, StringComparison.Ordinal));
        using JsonDocument json = JsonDocument.Parse(student.Retrofit.ToJson());
        Assert.IsFalse(json.RootElement.GetProperty("distillation_discarded").GetBoolean());
        Assert.IsFalse(SameWeights(converted, student));
        Assert.AreEqual(20, student.Metrics!.ModelStep);
    }

    [TestMethod]
    [DataRow(0.0, true)]
    [DataRow(1.0, false)]
    public void WhatIsTrainedForDecides(double crossEntropyWeight, bool discarded)
    {
        // Other text than the teacher's: what fits it is farther from the teacher.
        string[] rows = [.. Corpus.Rows.Select(row => row.ToUpperInvariant())];
        using ReversibleLmTransformer student = _ml.Reversible()
            .Retrofit(Retrofits.Options(o => (o.Scheme, o.CrossEntropyWeight, o.Temperature) = (Bdia.Blend(64), crossEntropyWeight, 1)))
            .Fit(Corpus.View(_ml, rows));
        RetrofitReport report = student.Retrofit!;
        Assert.IsGreaterThan(report.Before.KlPerToken, report.After!.KlPerToken);
        Assert.AreEqual(discarded, report.DistillationDiscarded);
        if (!discarded) Assert.IsLessThan(report.Before.StudentLoss, report.After.StudentLoss);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void AResumedDistillationIsDiscardedToo(bool returnBest)
    {
        using var scratch = new ScratchFolder();
        using ReversibleLmTransformer converted = Retrofits.Fit(o => (o.Scheme, o.Distill) = (Bdia.Blend(64), false));
        using var source = new CancellationTokenSource();
        Assert.ThrowsExactly<OperationCanceledException>(() => Retrofits.Fit(o =>
        {
            In(o);
            (o.Progress, o.CancellationToken) = (RunOptions.At(13, source.Cancel), source.Token);
        }));
        // From the checkpoint of step 13, and from that of the last step.
        foreach (int step in new[] { 13, 20 })
        {
            using ReversibleLmTransformer resumed = Retrofits.Fit(In);
            Assert.AreEqual(step, resumed.Metrics!.ResumedFrom);
            Assert.IsTrue(resumed.Retrofit!.DistillationDiscarded);
            AssertSame(converted, resumed);
        }

        void In(RetrofitEstimator.Options o)
        {
            Worse(Bdia.Blend(64), 0.05)(o);
            (o.CheckpointFolder, o.ReportInterval, o.EvaluationInterval, o.ReturnBest) = (scratch.FullName, 1, 10, returnBest);
        }
    }

    [TestMethod]
    public void AStudentOfAFolderIsKeptEvenIfTheFolderChanges()
    {
        using var scratch = new ScratchFolder();
        string folder = scratch.File("student");
        using ReversibleLmTransformer first = Retrofits.Fit(o => (o.Scheme, o.Distill) = (Bdia.Blend(4), false));
        first.SavePretrained(folder);
        using ReversibleLmTransformer further = Retrofits.Fit(o =>
        {
            (o.StudentPath, o.LearningRate, o.FinalLearningRate, o.ReportInterval) = (folder, 0.1, null, 1);
            o.Progress = RunOptions.At(3, () => Directory.Delete(folder, recursive: true));
        });
        Assert.IsTrue(further.Retrofit!.DistillationDiscarded);
        AssertSame(first, further);
    }

    [TestMethod]
    public void NoTensorOutlivesADiscardedDistillation()
    {
        using var scratch = new ScratchFolder();
        string folder = scratch.File("student");
        using (ReversibleLmTransformer student = Retrofits.Fit(o => (o.Scheme, o.Distill) = (Bdia.Blend(64), false)))
            student.SavePretrained(folder);
        Retrofits.Fit(Worse(Bdia.Blend(64), 0.05)).Dispose();
        long tensors = TestModels.LiveTensors();
        Retrofits.Fit(Worse(Bdia.Blend(64), 0.05)).Dispose();
        Retrofits.Fit(o => (o.StudentPath, o.LearningRate, o.FinalLearningRate) = (folder, 0.05, null)).Dispose();
        using var source = new CancellationTokenSource();
        Assert.ThrowsExactly<OperationCanceledException>(() => Retrofits.Fit(o =>
            (o.StudentPath, o.Progress, o.CancellationToken) = (folder, RunOptions.At(1, source.Cancel), source.Token)));
        Assert.AreEqual(tensors, TestModels.LiveTensors());
    }

    [TestMethod]
    [DataRow("blend:16", false)]
    [DataRow("blend:64", false)]
    [DataRow("blend:8", true)]
    [DataRow("iterated-inverse:a=0.0625", false)]
    [DataRow("iterated-inverse:a=-0.03125", false)]
    [DataRow("iterated-inverse:a=0.125", true)]
    [DataRow("midpoint", true)]
    [DataRow("leapfrog:0.5", true)]
    [DataRow("hamiltonian", true)]
    [DataRow("bdia", false)]
    public void AStudentIsDistilledIfItsSchemeNeedsIt(string scheme, bool distilled)
    {
        var options = new RetrofitEstimator.Options { TeacherPath = "teacher", Scheme = Scheme.Parse(scheme) };
        Assert.AreEqual(distilled, options.Distills(options.Scheme));
        options.Distill = !distilled;
        Assert.AreEqual(!distilled, options.Distills(options.Scheme));
    }

    public static IEnumerable<object[]> Requests =>
    [
        [(Action<RetrofitEstimator.Options>)(o => o.MaxSteps = 500)],
        [(Action<RetrofitEstimator.Options>)(o => o.MaxEpochs = 1)],
        [(Action<RetrofitEstimator.Options>)(o => o.LearningRate = 1e-5)],
        [(Action<RetrofitEstimator.Options>)(o => o.CheckpointFolder = "run")],
        [(Action<RetrofitEstimator.Options>)(o => o.Temperature = 2)],
        [(Action<RetrofitEstimator.Options>)(o => o.StudentPath = "student")],
    ];

    [TestMethod]
    [DynamicData(nameof(Requests))]
    public void AnOptionOfTheTrainingAsksForADistillation(Action<RetrofitEstimator.Options> request)
    {
        var options = new RetrofitEstimator.Options { TeacherPath = "teacher", ContextLength = 16, ReportWindows = 5, Device = "cpu" };
        Assert.IsFalse(options.Distills(options.Scheme));
        request(options);
        Assert.IsTrue(options.Distills(options.Scheme));
        _ml.Reversible().Retrofit(options);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void AConversionThatNeedsNoDistillationIsTheDefault(bool choose)
    {
        using ReversibleLmTransformer student = _ml.Reversible()
            .Retrofit(new RetrofitEstimator.Options { Teacher = Retrofits.Teacher, ContextLength = 16, ChooseScheme = choose })
            .Fit(Corpus.View(_ml, Corpus.Rows));
        Assert.IsNull(student.Metrics);
        Assert.IsNull(student.Retrofit!.After);
        Assert.IsFalse(student.Retrofit.DistillationDiscarded);
    }

    [TestMethod]
    public void TheMethodOfTheCatalogDistilsIfItIsGivenStepsOrTheSchemeNeedsIt()
    {
        using var scratch = new ScratchFolder();
        Retrofits.Teacher.SavePretrained(scratch.File("teacher"));
        Assert.IsNull(After(null, null));
        Assert.IsNull(After(Scheme.Midpoint, 0));
        Assert.IsNotNull(After(null, 2));
        Assert.IsNotNull(After(Scheme.Midpoint, 2));

        RetrofitAgreement? After(Scheme? scheme, int? steps)
        {
            using ReversibleLmTransformer student = _ml.Reversible()
                .Retrofit(scratch.File("teacher"), scheme: scheme, contextLength: 16, maxSteps: steps)
                .Fit(Corpus.View(_ml, Corpus.Rows));
            return student.Retrofit!.After;
        }
    }

    private static Action<RetrofitEstimator.Options> Worse(Scheme scheme, double rate) => o =>
        (o.Scheme, o.LearningRate, o.FinalLearningRate) = (scheme, rate, rate);

    private void AssertSame(ReversibleLmTransformer expected, ReversibleLmTransformer actual)
    {
        Assert.IsTrue(SameWeights(expected, actual));
        Assert.AreEqual(expected.Scheme, actual.Scheme);
        CollectionAssert.AreEqual(Scores(expected), Scores(actual));

        float[] Scores(ReversibleLmTransformer model) => [.. Corpus.Scores(_ml, model, Corpus.Rows[..3]).Select(row => row.LogLikelihood)];
    }

    private static bool SameWeights(ReversibleLmTransformer a, ReversibleLmTransformer b) =>
        a.Network.parameters().Zip(b.Network.parameters(), TestModels.SameBits).All(same => same);
}
