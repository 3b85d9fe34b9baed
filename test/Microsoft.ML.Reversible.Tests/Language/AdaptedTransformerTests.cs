using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Tests.Models;
using Microsoft.ML.Reversible.Tests.Storage;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Language;

/// <summary>Tests transformers with adapters: they are used, saved and merged like others.</summary>
[TestClass]
[DoNotParallelize]
public sealed class AdaptedTransformerTests
{
    private static readonly MLContext _ml = new(seed: 1);
    private static readonly ScratchFolder _scratch = new();
    private static ReversibleLmTransformer _model = null!;

    private static string Folder => _scratch.File("adapter");

    [ClassInitialize]
    public static void Train(TestContext _)
    {
        _model = Corpus.Train(_ml, o => (o.MaxSteps, o.Scheme) = (30, Scheme.Residual));
        Adapters.Save(_model.Network, Folder, deviation: 0.5);
        Adapters.Save(
            _model.Network, _scratch.File("other"), deviation: 0.5, Adapters.Settings("mlp.c_proj") with { TrainHead = true });
    }

    [ClassCleanup]
    public static void Free()
    {
        _model.Dispose();
        _scratch.Dispose();
    }

    [TestMethod]
    public void AnAdapterChangesTextAndScoresAndLeavesTheBase()
    {
        (string text, float[] scores) = Results(_model);
        using ReversibleLmTransformer adapted = _model.LoadAdapter(Folder), other = _model.LoadAdapter(_scratch.File("other"));
        Assert.AreEqual((false, true, true), (_model.HasAdapter, adapted.HasAdapter, other.HasAdapter));
        (string adaptedText, float[] adaptedScores) = Results(adapted);
        (string otherText, float[] otherScores) = Results(other);
        Assert.HasCount(3, new[] { text, adaptedText, otherText }.Distinct());
        Assert.HasCount(3, new[] { scores[0], adaptedScores[0], otherScores[0] }.Distinct());
        Assert.AreEqual(text, Results(_model).Text);
        CollectionAssert.AreEqual(scores, Results(_model).Scores);

        adapted.SaveAdapter(_scratch.File("again"));
        using ReversibleLmTransformer again = _model.LoadAdapter(_scratch.File("again"));
        CollectionAssert.AreEqual(adaptedScores, Results(again).Scores);
    }

    [TestMethod]
    public void TheMergedModelAndAllSavedFormsAreTheAdaptedOne()
    {
        using ReversibleLmTransformer adapted = _model.LoadAdapter(Folder), merged = adapted.MergeAdapter();
        Assert.IsFalse(merged.HasAdapter);
        (string text, float[] scores) = Results(adapted);
        AssertSame(merged);

        string folder = _scratch.File("merged"), zip = _scratch.File("own.zip"), plain = _scratch.File("plain.zip");
        adapted.SavePretrained(folder);
        using (ReversibleLmTransformer saved = _ml.Reversible().LoadPretrained(folder))
        {
            AssertSame(saved);
            Assert.IsTrue(TestFolders.SameWeights(merged.Network, saved.Network));
        }
        IDataView view = Corpus.View(_ml, Corpus.Rows[0]);
        _ml.Reversible().Save(adapted, view.Schema, zip);
        AssertScores(_ml.Reversible().Load(zip, out _));
        _ml.Model.Save(adapted, view.Schema, plain);
        AssertScores(_ml.Model.Load(plain, out _));

        string gguf = _scratch.File("a/model.gguf"), expected = _scratch.File("b/model.gguf");
        foreach (string file in (string[])[gguf, expected]) Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        adapted.SaveGguf(gguf);
        merged.SaveGguf(expected);
        CollectionAssert.AreEqual(File.ReadAllBytes(expected), File.ReadAllBytes(gguf));

        void AssertSame(ReversibleLmTransformer other)
        {
            Assert.AreEqual(text, other.Generate("the", maxTokens: 20, temperature: 0));
            AssertScores(other);
        }

        void AssertScores(ITransformer other)
        {
            float[] actual = [.. Corpus.Scores(_ml, other, Corpus.Rows[..5]).Select(row => row.LogLikelihood)];
            for (int i = 0; i < actual.Length; i++) Assert.AreEqual(scores[i], actual[i], 1e-3f);
        }
    }

    [TestMethod]
    public void ABaseInBFloat16IsMergedInFloat32AndRoundedOnce()
    {
        using var scope = NewDisposeScope();
        string folder = _scratch.File("base");
        _model.SavePretrained(folder, WeightPrecision.BFloat16);
        using LanguageModel model = PretrainedFolder.Load(folder, CPU, Precision.Float32, frozen: Precision.BFloat16);
        using LanguageNetwork adapted = AdapterFolder.Load(Folder, model.Network), merged = adapted.Merge();
        int compared = 0;
        foreach ((NamedWeight of, NamedWeight to) in adapted.Weights().Zip(merged.Weights()))
        {
            Assert.AreEqual(ScalarType.BFloat16, to.Parameter.dtype);
            if (of.Adapter is not { } part) continue;
            Tensor rows = of.Parameter.narrow(0, of.FirstRow, of.Shape[0]).to(ScalarType.Float32);
            Tensor sum = rows.addmm(part.Up, part.Down.narrow(0, part.FirstRank, part.Rank), 1, (float)part.Scale);
            Assert.IsTrue(TestModels.SameBits(sum.to(ScalarType.BFloat16), to.Parameter.narrow(0, to.FirstRow, to.Shape[0])), of.Name);
            compared++;
        }
        Assert.AreEqual(8, compared);
    }

    [TestMethod]
    public void AModelWithoutAnAdapterHasNoneToSaveOrMerge()
    {
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(() => _model.SaveAdapter(_scratch.File("none"))).Message,
            "The model has no adapter. SavePretrained");
        Assert.ThrowsExactly<InvalidOperationException>(() => _model.MergeAdapter());
        using ReversibleLmTransformer adapted = _model.LoadAdapter(Folder);
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(() => adapted.LoadAdapter(Folder)).Message, "has an adapter already");
        Assert.ThrowsExactly<ArgumentException>(() => _model.LoadAdapter(""));
        Assert.ThrowsExactly<ArgumentNullException>(() => adapted.SaveAdapter(null!));
    }

    [TestMethod]
    public void ModelsMayBeDisposedOfInAnyOrder()
    {
        string folder = _scratch.File("whole");
        _model.SavePretrained(folder);
        ReversibleLmTransformer model = _ml.Reversible().LoadPretrained(folder), adapted = model.LoadAdapter(Folder);
        string text = adapted.Generate("the", maxTokens: 5, temperature: 0);
        model.Dispose();
        Assert.AreEqual(text, adapted.Generate("the", maxTokens: 5, temperature: 0));
        ReversibleLmTransformer merged = adapted.MergeAdapter();
        adapted.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => adapted.MergeAdapter());
        Assert.AreEqual(text, merged.Generate("the", maxTokens: 5, temperature: 0));
        merged.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => model.LoadAdapter(Folder));
    }

    [TestMethod]
    public void SeveralAdaptersAnswerFromSeveralThreads()
    {
        using ReversibleLmTransformer adapted = _model.LoadAdapter(Folder), other = _model.LoadAdapter(_scratch.File("other"));
        ReversibleLmTransformer[] models = [_model, adapted, other];
        string[] expected = [.. models.Select(model => Results(model).Text)];
        Parallel.For(0, 12, i => Assert.AreEqual(expected[i % 3], models[i % 3].Generate("the", maxTokens: 20, temperature: 0)));
    }

    private static (string Text, float[] Scores) Results(ReversibleLmTransformer model) =>
    (
        model.Generate("the", maxTokens: 20, temperature: 0),
        [.. Corpus.Scores(_ml, model, Corpus.Rows[..5]).Select(row => row.LogLikelihood)]
    );
}
