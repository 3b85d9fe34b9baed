using Microsoft.ML.Reversible.Tests.Storage;
using Microsoft.ML.Reversible.Tests.Training;
using Microsoft.ML.Reversible.Training;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Reversible.Tests.Retrofit;

[TestClass]
public sealed class RetrofitEstimatorTests
{
    private const string Prompt = "the red fox";
    private readonly MLContext _ml = new(seed: 1) { FallbackToCpu = false };

    public static IEnumerable<object[]> Schemes =>
    [
        [Bdia.Blend(2)],
        [Scheme.IteratedInverse],
        [new IteratedInverse { A = 1 }],
        [new IteratedInverse { A = -1, M = 2 }],
        [Scheme.Midpoint],
        [Scheme.Leapfrog],
        [Scheme.Bdia],
    ];

    [TestMethod]
    public void ABlendAnswersAsItsTeacherWithoutTraining()
    {
        using ReversibleLmTransformer student = Retrofits.Fit(o => o.Distill = false);
        Assert.AreEqual(Bdia.Blend(16), student.Scheme);
        Assert.AreEqual(BackwardMode.Reversible, student.Network.Stack.BackwardMode);
        Assert.AreEqual(Arithmetic.Exact, student.Network.Stack.Arithmetic);
        Assert.IsNull(student.Metrics);
        RetrofitReport report = student.Retrofit!;
        Assert.IsNull(report.After);
        Assert.IsGreaterThan(0.95, report.Before.Top1Agreement);
        Assert.IsLessThan(0.02, report.Before.KlPerToken);
        Assert.AreEqual(Generate(Retrofits.Teacher), Generate(student));
    }

    [TestMethod]
    [DynamicData(nameof(Schemes))]
    public void DistillationBringsTheStudentNearer(Scheme scheme)
    {
        using ReversibleLmTransformer student = Retrofits.Fit(o => (o.Scheme, o.MaxSteps) = (scheme, 60));
        RetrofitAgreement before = student.Retrofit!.Before, after = student.Retrofit.After!;
        Assert.IsLessThan(scheme is Bdia { Signs: BdiaSigns.Random } ? before.KlPerToken + 0.1 : before.KlPerToken, after.KlPerToken);
        Assert.AreEqual(before.TeacherLoss, after.TeacherLoss);
        Assert.AreEqual(before.TokenCount, after.TokenCount);
        Assert.AreEqual(student.Retrofit.DistillationDiscarded ? 0 : 60, student.Metrics!.ModelStep);
        Assert.AreEqual(scheme.Name, student.Scheme.Name);
    }

    [TestMethod]
    [DataRow(null, 24)]
    [DataRow(9, 9)]
    public void BdiaTakesTrainedWeightsOverOnAGridOf24BitsUnlessToldOtherwise(int? bits, int expected)
    {
        using ReversibleLmTransformer student = Retrofits.Fit(o => (o.Scheme, o.Distill) = (new Bdia { Bits = bits }, false));
        Assert.AreEqual(expected, ((Bdia)student.Scheme).Bits);
        Assert.AreEqual(student.Scheme, student.Retrofit!.Scheme);
    }

    [TestMethod]
    [DataRow(Divergence.ReverseKl)]
    [DataRow(Divergence.JensenShannon)]
    public void SoItDoesWithOtherDivergencesATemperatureTheTextItselfAndHiddenStates(Divergence divergence)
    {
        using ReversibleLmTransformer student = Retrofits.Fit(o =>
        {
            (o.Scheme, o.MaxSteps, o.Divergence, o.Temperature) = (new IteratedInverse { A = 1 }, 60, divergence, 2);
            (o.CrossEntropyWeight, o.HiddenStateWeight) = (0.2, 0.1);
        });
        Assert.IsLessThan(student.Retrofit!.Before.KlPerToken, student.Retrofit.After!.KlPerToken);
    }

    [TestMethod]
    public void TheStepSizeOfMidpointIsSearchedUnlessItIsGiven()
    {
        using ReversibleLmTransformer found = Retrofits.Fit(o => (o.Scheme, o.Distill) = (Scheme.Midpoint, false));
        using ReversibleLmTransformer given = Retrofits.Fit(o => (o.Scheme, o.Distill, o.SearchStepSize) = (Scheme.Midpoint, false, false));
        Assert.AreEqual(Scheme.Midpoint, given.Scheme);
        Assert.AreEqual(Start.Euler, found.Scheme.Start);
        Assert.IsGreaterThan(5, found.Retrofit!.StepSizes.Count);
        Assert.IsLessThanOrEqualTo(given.Retrofit!.Before.KlPerToken, found.Retrofit.Before.KlPerToken);
    }

    [TestMethod]
    [DataRow(3)]
    [DataRow(6)]
    public void TheReportIsOfAsManyWindowsAsAreAskedFor(int windows)
    {
        using ReversibleLmTransformer student = Retrofits.Fit(o => (o.ReportWindows, o.Distill) = (windows, false));
        Assert.AreEqual(windows * 16, student.Retrofit!.Before.TokenCount);
    }

    [TestMethod]
    public void TheReportsMemoryIsThatOfTheStudentsArithmetic()
    {
        using ReversibleLmTransformer student = Retrofits.Fit(o =>
            (o.Scheme, o.SearchStepSize, o.Distill, o.Arithmetic) = (Scheme.Midpoint, false, false, Arithmetic.Exact));
        HiddenStateMemory memory = student.Retrofit!.Memory;
        Assert.AreEqual(memory.Tokens * student.Network.Configuration.Width * (3 * 8 + 4), memory.Reversible);
    }

    [TestMethod]
    [DataRow(0.05, 1)]
    [DataRow(2e-3, 0)]
    public void ADistillationThatLosesGroundWarns(double learningRate, int warnings)
    {
        List<string> messages = [];
        _ml.Log += (_, e) =>
        {
            if (e.Kind == ChannelMessageKind.Warning) messages.Add(e.RawMessage);
        };
        RetrofitEstimator.Options options = Retrofits.Options(o =>
        {
            (o.Scheme, o.MaxSteps) = (warnings == 0 ? new IteratedInverse { A = 1 } : Bdia.Blend(64), 60);
            (o.LearningRate, o.FinalLearningRate) = (learningRate, learningRate / 10);
        });
        using ReversibleLmTransformer student = _ml.Reversible().Retrofit(options).Fit(Corpus.View(_ml, Corpus.Rows));
        Assert.AreEqual(warnings, student.Retrofit!.After!.KlPerToken > student.Retrofit.Before.KlPerToken ? 1 : 0);
        Assert.AreEqual(warnings, messages.Count(message => message.Contains("It was discarded", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void AChosenSchemeKeepsToItsLimits()
    {
        using ReversibleLmTransformer free = Retrofits.Fit(o => (o.ChooseScheme, o.Distill) = (true, false));
        using ReversibleLmTransformer tight = Retrofits.Fit(o => (o.ChooseScheme, o.Distill, o.MaxRemainderGiB) = (true, false, 0));
        Assert.IsGreaterThan(0, free.Retrofit!.BytesPerActivation);
        Assert.AreEqual(0, tight.Retrofit!.BytesPerActivation);
        Assert.IsLessThan(tight.Retrofit.Before.KlPerToken, free.Retrofit.Before.KlPerToken);
        Assert.AreEqual(free.Retrofit.Candidates[0].Scheme, free.Scheme);
        Assert.IsNotNull(free.Retrofit.Reason);
    }

    [TestMethod]
    public void ACancelledDistillationGoesOnToTheBit()
    {
        using var scratch = new ScratchFolder();
        using ReversibleLmTransformer whole = Retrofits.Fit(Run(null));
        foreach (int step in new[] { 1, 13 })
        {
            using var source = new CancellationTokenSource();
            Assert.ThrowsExactly<OperationCanceledException>(() => Retrofits.Fit(o =>
            {
                Run(scratch.FullName)(o);
                (o.Progress, o.CancellationToken) = (RunOptions.At(step, source.Cancel), source.Token);
            }));
        }
        using ReversibleLmTransformer resumed = Retrofits.Fit(Run(scratch.FullName));
        Assert.AreEqual(13, resumed.Metrics!.ResumedFrom);
        RunOptions.AssertSame(whole, resumed);
        Assert.AreEqual(whole.Retrofit!.Before, resumed.Retrofit!.Before);
        Assert.AreEqual(whole.Retrofit.After, resumed.Retrofit.After);
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(16)]
    public void TheBestStudentIsTheOneNearestToItsTeacher(int answersKept)
    {
        using var scratch = new ScratchFolder();
        using ReversibleLmTransformer student = Retrofits.Fit(o =>
        {
            Run(scratch.FullName)(o);
            // Steps so long that the last one need not be the best.
            (o.Scheme, o.TeacherTopK, o.LearningRate, o.FinalLearningRate) = (new IteratedInverse { A = 1 }, answersKept, 0.01, 0.01);
            (o.ReturnBest, o.ReportWindows, o.EvaluationBatches) = (true, 10_000, 10_000);
        });
        BestEvaluation best = RunState.Read(Path.Combine(scratch.FullName, "step-00000020")).Best!;
        Assert.AreEqual(best.Step, student.Metrics!.ModelStep);
        Assert.AreEqual(best.Loss, student.Retrofit!.After!.KlPerToken);
        double loss = student.Metrics.History.Single(p => p.Step == best.Step).ValidationLoss!.Value;
        Assert.AreEqual(student.Retrofit.After.StudentLoss, loss);
        Assert.AreNotEqual(loss, best.Loss);
    }

    [TestMethod]
    public void TheTeachersAnswersOnDiskTeachAsItDoes()
    {
        using var scratch = new ScratchFolder();
        string file = scratch.File("answers");
        using ReversibleLmTransformer first = Retrofits.Fit(Kept(file));
        byte[] answers = File.ReadAllBytes(file);
        Assert.IsLessThan(first.Retrofit!.Before.KlPerToken, first.Retrofit.After!.KlPerToken);

        using var source = new CancellationTokenSource();
        Assert.ThrowsExactly<OperationCanceledException>(() => Retrofits.Fit(o =>
        {
            Kept(file)(o);
            o.CheckpointFolder = scratch.File("run");
            (o.Progress, o.CancellationToken) = (RunOptions.At(30, source.Cancel), source.Token);
        }));
        File.Delete(file);
        using ReversibleLmTransformer resumed = Retrofits.Fit(o =>
        {
            Kept(file)(o);
            o.CheckpointFolder = scratch.File("run");
        });
        Assert.AreEqual(30, resumed.Metrics!.ResumedFrom);
        RunOptions.AssertSame(first, resumed);
        CollectionAssert.AreEqual(answers, File.ReadAllBytes(file));

        static Action<RetrofitEstimator.Options> Kept(string file) => o =>
        {
            (o.Scheme, o.TeacherTopK, o.TeacherCachePath) = (new IteratedInverse { A = 1 }, 16, file);
            (o.MaxSteps, o.ReportInterval) = (60, 1);
        };
    }

    [TestMethod]
    public void ACheckpointOfAnotherDistillationIsRefused()
    {
        using var scratch = new ScratchFolder();
        Retrofits.Fit(Run(scratch.FullName)).Dispose();
        Refused(o => o.Temperature = 2, "Temperature");
        Refused(o => o.Divergence = Divergence.ReverseKl, "Divergence");
        Refused(o => o.Scheme = Bdia.Blend(8), "Scheme");
        Refused(o => o.HiddenStateWeight = 1, "HiddenStateWeight");
        using ReversibleLmTransformer other = Corpus.Train(_ml, o => (o.Scheme, o.LayerCount) = (Scheme.Parse("residual"), 4));
        Refused(o => o.Teacher = other, "Teacher");

        void Refused(Action<RetrofitEstimator.Options> change, string what)
        {
            var e = Assert.ThrowsExactly<InvalidOperationException>(() => Retrofits.Fit(o =>
            {
                Run(scratch.FullName)(o);
                change(o);
            }));
            StringAssert.Contains(e.Message, what);
        }
    }

    [TestMethod]
    public void TheStudentIsSavedLoadedGeneratesScoresAndIsFineTuned()
    {
        using var scratch = new ScratchFolder();
        string folder = scratch.File("student"), tuned = scratch.File("tuned");
        string text;
        float[] scores;
        using (ReversibleLmTransformer student = Retrofits.Fit(o => o.Scheme = Bdia.Blend(8)))
        {
            student.SavePretrained(folder);
            text = Generate(student);
            scores = Scores(student);
        }
        using ReversibleLmTransformer loaded = _ml.Reversible().LoadPretrained(folder);
        Assert.AreEqual(Bdia.Blend(8), loaded.Scheme);
        Assert.AreEqual(Arithmetic.Exact, loaded.Network.Stack.Arithmetic);
        Assert.IsNull(loaded.Retrofit);
        Assert.AreEqual(text, Generate(loaded));
        CollectionAssert.AreEqual(scores, Scores(loaded));

        using ReversibleLmTransformer further = Corpus.Train(_ml, o =>
            (o.PretrainedFolder, o.FreezeEmbedding, o.FrozenLayerCount, o.MaxSteps) = (folder, true, 1, 5));
        Assert.AreEqual(Bdia.Blend(8), further.Scheme);
        Assert.AreEqual(BackwardMode.Reversible, further.Network.Stack.BackwardMode);
        using ReversibleLmTransformer again = Retrofits.Fit(o => (o.StudentPath, o.MaxSteps) = (folder, 5));
        Assert.AreEqual(Bdia.Blend(8), again.Scheme);
    }

    [TestMethod]
    public void ItStandsInAPipeline()
    {
        var pipeline = _ml.Transforms.CopyColumns("Text", "Story")
            .Append(_ml.Reversible().Retrofit(Retrofits.Options(o => o.MaxSteps = 3)));
        IDataView stories = _ml.Data.LoadFromEnumerable(Corpus.Rows.Select(text => new { Story = text }));
        using var model = pipeline.Fit(stories);
        DataViewSchema promised = model.GetOutputSchema(stories.Schema);
        CollectionAssert.IsSubsetOf(new[] { "LogLikelihood", "TokenCount", "Perplexity" }, promised.Select(c => c.Name).ToArray());
        CollectionAssert.AreEqual(
            promised.Select(c => c.Name).ToArray(), model.Transform(stories).Schema.Select(c => c.Name).ToArray());
    }

    [TestMethod]
    public void TheTeacherStaysAsItWasAndNothingOutlivesTheFit()
    {
        using var scratch = new ScratchFolder();
        string folder = scratch.File("teacher");
        Retrofits.Teacher.SavePretrained(folder);
        string before = Generate(Retrofits.Teacher);
        Retrofits.Fit(o => o.HiddenStateWeight = 1).Dispose();
        long tensors = TestModels.LiveTensors();
        Retrofits.Fit(o => o.HiddenStateWeight = 1).Dispose();
        Retrofits.Fit(o => (o.Teacher, o.TeacherPath, o.ChooseScheme) = (null, folder, true)).Dispose();
        Assert.ThrowsExactly<OperationCanceledException>(
            () => Retrofits.Fit(o => o.CancellationToken = new CancellationToken(canceled: true)));
        Assert.IsLessThanOrEqualTo(tensors, TestModels.LiveTensors());
        Assert.AreEqual(before, Generate(Retrofits.Teacher));
        using ReversibleLmTransformer saved = _ml.Reversible().LoadPretrained(folder);
        Assert.IsTrue(saved.Network.parameters().Zip(Retrofits.Teacher.Network.parameters(), TestModels.SameBits).All(same => same));
    }

    [TestMethod]
    public void TheUntrainedStudentIsReportedBeforeItsFirstStep()
    {
        List<RetrofitReport> told = [];
        int toldBeforeTheFirstStep = 0;
        using ReversibleLmTransformer student = Retrofits.Fit(o =>
        {
            o.ReportProgress = new Collector(told);
            o.Progress = RunOptions.At(1, () => toldBeforeTheFirstStep = told.Count);
        });
        Assert.AreEqual(1, toldBeforeTheFirstStep);
        Assert.AreEqual(student.Retrofit! with { After = null, DistillationDiscarded = false }, told.Single());
    }

    private sealed class Collector(List<RetrofitReport> reports) : IProgress<RetrofitReport>
    {
        public void Report(RetrofitReport value) => reports.Add(value);
    }

    private static Action<RetrofitEstimator.Options> Run(string? folder) => o =>
    {
        o.Scheme = new IteratedInverse { A = 0.5 };
        (o.ReportInterval, o.EvaluationInterval, o.CheckpointFolder) = (1, 5, folder);
    };

    private static string Generate(ReversibleLmTransformer model) => model.Generate(Prompt, maxTokens: 30, temperature: 0);

    private float[] Scores(ITransformer model) => [.. Corpus.Scores(_ml, model, Corpus.Rows[..3]).Select(row => row.LogLikelihood)];
}
