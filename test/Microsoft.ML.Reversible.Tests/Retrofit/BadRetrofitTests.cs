using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Retrofit;

[TestClass]
public sealed class BadRetrofitTests
{
    private readonly MLContext _ml = new(seed: 1) { FallbackToCpu = false };

    public static IEnumerable<object[]> BadOptions =>
    [
        Bad("Teacher", o => o.Teacher = null),
        Bad("Teacher", o => o.TeacherPath = "also-a-folder"),
        Bad("TeacherPath", o => o.TeacherPath = " "),
        Bad("StudentPath", o => o.StudentPath = ""),
        Bad("TeacherDevice", o => o.TeacherDevice = "cpu"),
        Bad("TeacherPrecision", o => o.TeacherPrecision = (Precision)9),
        Bad("TeacherPrecision", o => o.TeacherPrecision = Precision.BFloat16),
        Bad("Scheme", o => o.Scheme = Scheme.Parse("residual"), "reversible one, and 'residual' is not: it has no inverse."),
        Bad("Scheme", o => o.Scheme = Bdia.Blend(128), "reversible one, and 'blend:128' is not: it needs K up to 64, and K is 128."),
        Bad("Exact", o => (o.Scheme, o.Arithmetic) = (Bdia.Blend(), Arithmetic.Float)),
        Bad("ChooseScheme", o => o.MaxRemainderGiB = 1),
        Bad("MaxRemainderGiB", o => (o.ChooseScheme, o.MaxRemainderGiB) = (true, -1)),
        Bad("MaxRelativeCost", o => (o.ChooseScheme, o.MaxRelativeCost) = (true, 0.5)),
        Bad("ChooseScheme", o => (o.ChooseScheme, o.StudentPath) = (true, "folder")),
        Bad("ReportWindows", o => o.ReportWindows = 0),
        Bad("Divergence", o => o.Divergence = (Divergence)9, "ForwardKl"),
        Bad("JensenShannonWeight", o => o.JensenShannonWeight = 1, "(0, 1)"),
        Bad("Temperature", o => o.Temperature = 0, "positive"),
        Bad("Temperature", o => o.Temperature = double.NaN, "positive"),
        Bad("CrossEntropyWeight", o => o.CrossEntropyWeight = 1.5, "[0, 1]"),
        Bad("HiddenStateWeight", o => o.HiddenStateWeight = -1),
        Bad("LayerMap", o => o.LayerMap = [new(0, 0)], "HiddenStateWeight"),
        Bad("LayerMap", o => (o.HiddenStateWeight, o.LayerMap) = (1, [])),
        Bad("TeacherTopK", o => o.TeacherTopK = -1),
        Bad("TeacherCachePath", o => o.TeacherCachePath = "file", "TeacherTopK"),
        Bad("HiddenStateWeight", o => (o.TeacherTopK, o.HiddenStateWeight) = (8, 1)),
        Bad("CheckpointFolder", o => (o.Distill, o.CheckpointFolder) = (false, "folder")),
        Bad("ValidationFraction", o => o.ValidationFraction = 0, "held-out"),
        Bad("MaxSteps", o => o.MaxSteps = 0),
    ];

    [TestMethod]
    [DynamicData(nameof(BadOptions))]
    public void ABadOptionIsNamedBeforeAnyWork(string option, Action<RetrofitEstimator.Options> change, string hint)
    {
        var e = Assert.Throws<ArgumentException>(() => _ml.Reversible().Retrofit(Retrofits.Options(change)));
        StringAssert.Contains(e.Message, option);
        StringAssert.Contains(e.Message, hint);
    }

    [TestMethod]
    [DataRow("PretrainedFolder")]
    [DataRow("Family")]
    [DataRow("LayerCount")]
    [DataRow("HeadCount")]
    [DataRow("KeyValueHeadCount")]
    [DataRow("Width")]
    [DataRow("MlpWidth")]
    [DataRow("Activation")]
    [DataRow("TiedHead")]
    [DataRow("Tokenization")]
    [DataRow("VocabularySize")]
    [DataRow("LabelSmoothing")]
    public void WhatTheTeacherDecidesIsNoOption(string option)
    {
        Assert.IsNotNull(typeof(ReversibleLmTrainer.Options).GetProperty(option));
        Assert.IsNull(typeof(RetrofitEstimator.Options).GetProperty(option));
    }

    [TestMethod]
    public void ASchemeWithAnIllegalFactorIsRefused()
    {
        StringAssert.Contains(Assert.Throws<ArgumentException>(() => new IteratedInverse { A = 0 }).Message, "1/2");
        StringAssert.Contains(Assert.Throws<ArgumentException>(() => new IteratedInverse { M = 0 }).Message, "[1, 64]");
        StringAssert.Contains(Assert.Throws<ArgumentException>(() => Bdia.Blend(3)).Message, "2");
    }

    [TestMethod]
    public void ATeacherThatIsNotThereIsRefused() =>
        Assert.ThrowsExactly<DirectoryNotFoundException>(() => Fit(o => (o.Teacher, o.TeacherPath) = (null, "no/such/folder")));

    [TestMethod]
    public void ATeacherOfAnUnknownKindIsRefused()
    {
        using var scratch = new ScratchFolder();
        File.WriteAllText(scratch.File("config.json"), """{ "model_type": "mamba" }""");
        var e = Assert.ThrowsExactly<InvalidDataException>(() => Fit(o => (o.Teacher, o.TeacherPath) = (null, scratch.FullName)));
        StringAssert.Contains(e.Message, "mamba");
    }

    [TestMethod]
    public void ATeacherWithoutATokenizerReadsNoText()
    {
        using var scratch = new ScratchFolder();
        Retrofits.Teacher.SavePretrained(scratch.File("teacher"));
        foreach (string file in Directory.EnumerateFiles(scratch.File("teacher"), "*token*")
            .Concat(Directory.EnumerateFiles(scratch.File("teacher"), "vocab*"))
            .Concat(Directory.EnumerateFiles(scratch.File("teacher"), "merges*")))
            File.Delete(file);
        var e = Assert.ThrowsExactly<InvalidOperationException>(
            () => Fit(o => (o.Teacher, o.TeacherPath) = (null, scratch.File("teacher"))));
        StringAssert.Contains(e.Message, "tokenizer");
    }

    [TestMethod]
    public void ATeacherThatIsNotResidualIsRefused()
    {
        using ReversibleLmTransformer midpoint = Corpus.Train(_ml, o => o.MaxSteps = 1);
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(() => Fit(o => o.Teacher = midpoint)).Message, "residual");
    }

    [TestMethod]
    public void ATeacherThatHasBeenDisposedIsRefused()
    {
        ReversibleLmTransformer gone = Corpus.Train(_ml, o => (o.Scheme, o.MaxSteps) = (Scheme.Parse("residual"), 1));
        gone.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => Fit(o => o.Teacher = gone));
    }

    [TestMethod]
    public void AStudentOfAnotherSizeIsRefused()
    {
        using var scratch = new ScratchFolder();
        string letters = scratch.File("letters"), narrow = scratch.File("narrow"), shallow = scratch.File("shallow");
        Save(letters, o => o.Tokenization = TextTokenization.Character);
        Save(narrow, o => (o.Width, o.LayerCount) = (16, 4));
        Save(shallow, o => o.LayerCount = 2);
        Refused(letters, 0, "vocabulary");
        Refused(narrow, 1, "width 16");
        Refused(shallow, 1, "LayerMap");
        Retrofits.Fit(o => (o.StudentPath, o.HiddenStateWeight, o.LayerMap) = (shallow, 1, [new(2, 1), new(4, 2)])).Dispose();
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => Fit(o => (o.StudentPath, o.HiddenStateWeight, o.LayerMap) = (shallow, 1, [new(2, 1), new(4, 3)])));

        void Save(string folder, Action<ReversibleLmTrainer.Options> change)
        {
            using ReversibleLmTransformer model = Corpus.Train(_ml, o =>
            {
                o.MaxSteps = 1;
                change(o);
            });
            model.SavePretrained(folder);
        }

        void Refused(string folder, double hidden, string why) => StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(
                () => Fit(o => (o.StudentPath, o.HiddenStateWeight) = (folder, hidden))).Message, why);
    }

    [TestMethod]
    public void AHamiltonianStudentNeedsAMapOfItsHiddenStates()
    {
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => Fit(o => (o.Scheme, o.HiddenStateWeight) = (Scheme.Hamiltonian, 1)));
        StringAssert.Contains(e.Message, "The student has 8 layers and the teacher 4");
        Fit(o => (o.Scheme, o.HiddenStateWeight, o.LayerMap) = (Scheme.Hamiltonian, 1, [new(2, 4), new(4, 8)]));
    }

    [TestMethod]
    public void MoreContextThanTheTeacherHasIsRefused() => StringAssert.Contains(
        Assert.ThrowsExactly<InvalidOperationException>(() => Fit(o => o.ContextLength = 17)).Message, "16 tokens");

    [TestMethod]
    public void TextThatIsMissingOrTooShortIsRefused()
    {
        RetrofitEstimator estimator = _ml.Reversible().Retrofit(Retrofits.Options());
        Assert.ThrowsExactly<InvalidOperationException>(() => estimator.Fit(Corpus.View(_ml)));
        Assert.ThrowsExactly<InvalidOperationException>(() => estimator.Fit(Corpus.View(_ml, "")));
        Assert.ThrowsExactly<InvalidOperationException>(() => estimator.Fit(Corpus.View(_ml, "short")));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => estimator.Fit(_ml.Data.LoadFromEnumerable([new { Other = "column" }])));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => estimator.Fit(_ml.Data.LoadFromEnumerable([new { Text = 1f }])));
    }

    private static object[] Bad(string option, Action<RetrofitEstimator.Options> change, string hint = "") => [option, change, hint];

    private static void Fit(Action<RetrofitEstimator.Options> change) => Retrofits.Fit(change).Dispose();
}
