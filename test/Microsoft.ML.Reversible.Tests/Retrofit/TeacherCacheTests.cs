using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Retrofit;
using Microsoft.ML.Reversible.Tests.Data;
using Microsoft.ML.Reversible.Tests.Storage;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Retrofit;

[TestClass]
public sealed class TeacherCacheTests
{
    private const int Context = 16, K = 5;
    private const double Temperature = 2;

    [TestMethod]
    [DataRow(DocumentBoundaries.PackOver, true, K)]
    [DataRow(DocumentBoundaries.PackOver, false, K)]
    [DataRow(DocumentBoundaries.Respect, true, K)]
    [DataRow(DocumentBoundaries.PackOver, false, 1)]
    [DataRow(DocumentBoundaries.PackOver, false, 1000)]
    public void WhatIsReadIsWhatTheTeacherSays(DocumentBoundaries boundaries, bool halfPrecision, int k)
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork teacher = Teacher();
        using TokenCache tokens = Tokens();
        TokenWindows windows = Windows(tokens, boundaries);
        using TeacherCache cache = TeacherCacheBuilder.Build(null, teacher, windows, k, Temperature, rows: 3, halfPrecision);
        for (long first = 0; first < 2 * windows.FixedWindows; first += 4)
        {
            TokenBatch batch = windows.Training(first, 4);
            TopLogits actual = cache.Read(batch, CPU);
            TopLogits expected = TopLogits.Of(
                DistillationTask.Teach(teacher, batch.ToTensors(CPU).Ids), Temperature, Math.Min(k, teacher.Configuration.VocabularySize));
            Assert.IsTrue(TestModels.SameBits(expected.Ids, actual.Ids));
            CollectionAssert.AreEqual(expected.LogProbabilities.shape, actual.LogProbabilities.shape);
            double bound = halfPrecision ? 1e-3 : 1e-6;
            Assert.IsLessThan(bound, TestModels.RelativeError(actual.LogProbabilities, expected.LogProbabilities));
        }
    }

    [TestMethod]
    public void WithAllTokensInSinglePrecisionTheObjectiveIsThatOfTheTeacherItself()
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork teacher = Teacher();
        using TokenCache tokens = Tokens();
        TokenWindows windows = Windows(tokens, DocumentBoundaries.Respect);
        using TeacherCache cache = TeacherCacheBuilder.Build(null, teacher, windows, 1000, Temperature, rows: 3, halfPrecision: false);
        var loss = new DistillationLoss(Divergence.ForwardKl, Temperature, 0.3);
        TokenBatch batch = windows.Training(5, 4);
        using LanguageNetwork student = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Reversible, seed: 2);
        DistillationTask asking = Distillations.Of(teacher, student, loss);
        DistillationTask cached = Distillations.Of(teacher, student, loss, answers: cache);
        Tensor expected = asking.Differentiate(batch, new(0.1));
        Tensor[] gradients = [.. student.parameters().Select(p => p.grad!.clone())];
        student.zero_grad();
        Tensor actual = cached.Differentiate(batch, new(0.1));
        Assert.AreEqual(expected.ToDouble(), actual.ToDouble(), 1e-5 * expected.ToDouble());
        foreach (var (e, p) in gradients.Zip(student.parameters())) Assert.IsLessThan(1e-4, TestModels.RelativeError(p.grad!, e));
        Assert.AreEqual(asking.Evaluate(batch), cached.Evaluate(batch));
    }

    [TestMethod]
    public void AFileIsUsedAgainWhereAllIsTheSameAndElseMadeAnew()
    {
        using var folder = new ScratchFolder();
        string path = folder.File("teacher.bin");
        using LanguageNetwork teacher = Teacher(), other = TestModels.Make(TestModels.Small, Scheme.Residual, BackwardMode.Stored, seed: 9);
        using TokenCache tokens = Tokens(), otherTokens = Tokens(seed: 8);
        TokenWindows windows = Windows(tokens), otherWindows = Windows(otherTokens);
        Assert.IsFalse(WasReused(teacher, windows, K, Temperature));
        Assert.IsTrue(WasReused(teacher, windows, K, Temperature));
        var otherOrder = new TokenWindows(tokens, Context, 0.1, seed: 77, fixedPlaces: true);
        Assert.IsTrue(WasReused(teacher, otherOrder, K, Temperature), "another order");
        Assert.IsFalse(WasReused(other, windows, K, Temperature), "another teacher");
        Assert.IsFalse(WasReused(other, otherWindows, K, Temperature), "other tokens");
        Assert.IsFalse(WasReused(other, otherWindows, K + 1, Temperature));
        Assert.IsFalse(WasReused(other, otherWindows, K + 1, 1));
        Assert.IsFalse(WasReused(other, otherWindows, K + 1, 1, halfPrecision: false));
        Assert.IsFalse(WasReused(other, Windows(otherTokens, DocumentBoundaries.Respect), K + 1, 1, halfPrecision: false));
        Assert.IsTrue(WasReused(other, Windows(otherTokens, DocumentBoundaries.Respect), K + 1, 1, halfPrecision: false));
        Assert.HasCount(1, folder.Entries);

        bool WasReused(LanguageNetwork of, TokenWindows at, int k, double temperature, bool halfPrecision = true)
        {
            using TeacherCache cache = TeacherCacheBuilder.Build(path, of, at, k, temperature, rows: 4, halfPrecision);
            return cache.WasReused;
        }
    }

    [TestMethod]
    public void ATornOrDamagedHeaderIsMadeAnewAndAFileOfAnotherKindIsLeftAlone()
    {
        using var folder = new ScratchFolder();
        string path = folder.File("teacher.bin");
        using LanguageNetwork teacher = Teacher();
        using TokenCache tokens = Tokens();
        TokenWindows windows = Windows(tokens);
        Assert.IsFalse(WasReused());
        byte[] whole = File.ReadAllBytes(path);
        foreach (byte[] damaged in new[] { [], whole[..^1], [.. whole, 0], whole[..20], [.. whole[..40], 255, .. whole[41..]] })
        {
            File.WriteAllBytes(path, damaged);
            Assert.IsFalse(WasReused());
            CollectionAssert.AreEqual(whole, File.ReadAllBytes(path));
        }
        File.WriteAllText(path, "Dear diary");
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => WasReused()).Message, path);
        Assert.AreEqual("Dear diary", File.ReadAllText(path));

        bool WasReused()
        {
            using TeacherCache cache = TeacherCacheBuilder.Build(path, teacher, windows, K, Temperature, rows: 4);
            return cache.WasReused;
        }
    }

    [TestMethod]
    [DataRow(0, (ushort)50, "token 50")]
    [DataRow(Context * K * 2, (ushort)0x7E00, "not finite")]
    public void DamagedContentGivesAnExceptionThatNamesTheFile(int place, ushort value, string message)
    {
        using var folder = new ScratchFolder();
        string path = folder.File("teacher.bin");
        using LanguageNetwork teacher = Teacher();
        using TokenCache tokens = Tokens();
        TokenWindows windows = Windows(tokens);
        TeacherCacheBuilder.Build(path, teacher, windows, K, Temperature, rows: 4).Dispose();
        byte[] bytes = File.ReadAllBytes(path);
        BitConverter.TryWriteBytes(bytes.AsSpan(TeacherCacheHeader.Length + place), value);
        File.WriteAllBytes(path, bytes);
        using TeacherCache cache = TeacherCacheBuilder.Build(path, teacher, windows, K, Temperature, rows: 4);
        Assert.IsTrue(cache.WasReused);
        var e = Assert.ThrowsExactly<InvalidDataException>(() => cache.Read(windows.InOrder(4).First(), CPU));
        StringAssert.Contains(e.Message, message);
        StringAssert.Contains(e.Message, path);
    }

    [TestMethod]
    public void ACancelledBuildLeavesNothingAndAWholeOneTellsOfEveryWindow()
    {
        using var folder = new ScratchFolder();
        string path = folder.File("teacher.bin");
        using LanguageNetwork teacher = Teacher();
        using TokenCache tokens = Tokens();
        TokenWindows windows = Windows(tokens);
        using var source = new CancellationTokenSource();
        Assert.ThrowsExactly<OperationCanceledException>(() => TeacherCacheBuilder.Build(
            path, teacher, windows, K, Temperature, rows: 4, progress: _ => source.Cancel(), cancellationToken: source.Token));
        Assert.IsEmpty(folder.Entries);
        List<long> done = [];
        TeacherCacheBuilder.Build(path, teacher, windows, K, Temperature, rows: 4, progress: done.Add).Dispose();
        Assert.AreEqual(windows.FixedWindows, done[^1]);
        Assert.HasCount((int)((windows.FixedWindows + 3) / 4), done);
    }

    [TestMethod]
    public void WindowsThatMoveAreRefused()
    {
        using LanguageNetwork teacher = Teacher();
        using TokenCache tokens = Tokens();
        var shifted = new TokenWindows(tokens, Context, 0.1);
        Assert.ThrowsExactly<InvalidOperationException>(() => TeacherCacheBuilder.Build(null, teacher, shifted, K, Temperature, rows: 4));
        using TeacherCache cache = TeacherCacheBuilder.Build(null, teacher, Windows(tokens), K, Temperature, rows: 4);
        Assert.ThrowsExactly<InvalidOperationException>(() => cache.Read(shifted.Training(0, 2), CPU));
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(
                () => Distillations.Of(teacher, teacher, new DistillationLoss(), answers: cache)).Message, "temperature");
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => TeacherCacheBuilder.Build(null, teacher, Windows(tokens), K, Temperature, rows: 1 << 30));
    }

    [TestMethod]
    public void NoTensorOutlivesAStep()
    {
        using LanguageNetwork teacher = Teacher();
        using LanguageNetwork student = TestModels.Make(TestModels.Small, Scheme.Midpoint, BackwardMode.Reversible, seed: 2);
        using TokenCache tokens = Tokens();
        TokenWindows windows = Windows(tokens);
        Run();
        long before = TestModels.LiveTensors();
        for (int i = 0; i < 3; i++) Run();
        Assert.IsLessThanOrEqualTo(before, TestModels.LiveTensors());

        void Run()
        {
            using TeacherCache cache = TeacherCacheBuilder.Build(null, teacher, windows, K, Temperature, rows: 4);
            var loss = new DistillationLoss(Temperature: Temperature, CrossEntropyWeight: 0.5);
            using DistillationTask task = Distillations.Of(teacher, student, loss, answers: cache);
            task.Differentiate(windows.Training(0, 3), new(0.1)).Dispose();
        }
    }

    private static LanguageNetwork Teacher() => TestModels.Make(TestModels.Small, Scheme.Residual, BackwardMode.Stored);

    private static TokenWindows Windows(TokenCache tokens, DocumentBoundaries boundaries = DocumentBoundaries.PackOver) =>
        new(tokens, Context, 0.1, boundaries, seed: 3, fixedPlaces: true);

    /// <summary>Documents of random lengths and ids.</summary>
    private static TokenCache Tokens(int seed = 7)
    {
        var random = new Random(seed);
        return TokenCaches.Of([.. Enumerable.Range(0, 12).Select(_ =>
            Enumerable.Range(0, random.Next(5, 40)).Select(_ => random.Next(TestModels.Small.VocabularySize)).ToArray())]);
    }
}
