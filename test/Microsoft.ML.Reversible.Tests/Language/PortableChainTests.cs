using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.MLNet;

namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
[DoNotParallelize]
public sealed class PortableChainTests
{
    private static readonly string[] _texts = ["a", "", "four", "three words here"];
    private readonly IDisposable _scorer = FakeScorer.Install();
    private readonly MLContext _ml = new(seed: 1);

    [TestCleanup]
    public void Cleanup() => _scorer.Dispose();

    [TestMethod]
    public void AddsTheColumnsOfTheCallerAndNoOthers()
    {
        IDataView scored = Build(3).Transform(new StringsView("Story", _texts));

        CollectionAssert.AreEqual(
            new[] { "Story", "LL", "Tokens", "PPL" },
            scored.Schema.Where(c => !c.IsHidden).Select(c => c.Name).ToArray());
        Assert.AreEqual(NumberDataViewType.Single, scored.Schema["LL"].Type);
        Assert.AreEqual(NumberDataViewType.Int32, scored.Schema["Tokens"].Type);
        Assert.AreEqual(NumberDataViewType.Single, scored.Schema["PPL"].Type);
        AssertScores(scored, 3);
    }

    [TestMethod]
    public void APlainLoadScoresTheSame()
    {
        ITransformer loaded = SaveAndLoad(Build(5));

        AssertScores(loaded.Transform(new StringsView("Story", _texts)), 5);
    }

    [TestMethod]
    public void ALoadedModelSavesAndLoadsAgain()
    {
        ITransformer loaded = SaveAndLoad(SaveAndLoad(Build(5)));

        AssertScores(loaded.Transform(new StringsView("Story", _texts)), 5);
    }

    [TestMethod]
    public void OpensItsArchiveOnceForAllRowsAndCursors()
    {
        ITransformer loaded = SaveAndLoad(Build(2));
        IDataView scored = loaded.Transform(new StringsView("Story", _texts));
        AssertScores(scored, 2);
        AssertScores(scored, 2);
        Assert.AreEqual(1, FakeScorer.Opened);
    }

    [TestMethod]
    public void TwoModelsInOneChainKeepApart()
    {
        ITransformer both = SaveAndLoad(new TransformerChain<ITransformer>(
            Build(2), PortableChain.Build([7], new ScoreColumns("Story", "OtherLL", "OtherTokens", "OtherPPL"))));

        IDataView scored = both.Transform(new StringsView("Story", _texts));

        AssertScores(scored, 2);
        CollectionAssert.AreEqual(new[] { 7f, 7f, 7f, 7f }, scored.GetColumn<float>("OtherPPL").ToArray());
        Assert.AreEqual(2, FakeScorer.Opened);
    }

    [TestMethod]
    public void APredictionEngineRunsOnALoadedChain()
    {
        using PredictionEngine<Story, Scores> engine = _ml.Model.CreatePredictionEngine<Story, Scores>(SaveAndLoad(Build(3)));

        Scores scores = engine.Predict(new Story { Text = "four" });

        Assert.AreEqual(-12f, scores.LogLikelihood);
        Assert.AreEqual(4, scores.Tokens);
        Assert.AreEqual(0, engine.Predict(new Story { Text = "" }).Tokens);
    }

    [TestMethod]
    public void AnArchiveAboveTheBoundIsRefusedWithTheWayThatWorks()
    {
        var error = Assert.ThrowsExactly<NotSupportedException>(() => PortableChain.ThrowIfTooLarge(PortableChain.MaxArchiveBytes + 1L));

        StringAssert.Contains(error.Message, "mlContext.Reversible().Save(pipeline");
        StringAssert.Contains(error.Message, "SavePretrained");
        StringAssert.Contains(error.Message, "LoadPretrained");
        StringAssert.Contains(error.Message, "64 MiB");
        PortableChain.ThrowIfTooLarge(PortableChain.MaxArchiveBytes);
        Assert.ThrowsExactly<NotSupportedException>(
            () => PortableChain.Build(new byte[PortableChain.MaxArchiveBytes + 1], new ScoreColumns("a", "b", "c", "d")));
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void TheArchiveAndTheColumnNamesAreFound(bool reload)
    {
        ITransformer chain = reload ? SaveAndLoad(Build(1, 2, 3, 4)) : Build(1, 2, 3, 4);

        Assert.IsTrue(PortableChain.TryFindModel(chain, out PortableModel? model));
        CollectionAssert.AreEqual(new byte[] { 1, 2, 3, 4 }, model!.Archive);
        Assert.AreEqual(new ScoreColumns("Story", "LL", "Tokens", "PPL"), model.Columns);
        Assert.AreEqual(0, FakeScorer.Opened);
    }

    [TestMethod]
    public void AnArchiveOfSeveralMegabytesComesBackToTheByte()
    {
        var archive = new byte[3_000_001];
        new Random(3).NextBytes(archive);

        Assert.IsTrue(PortableChain.TryFindModel(SaveAndLoad(Build(archive)), out PortableModel? model));

        Assert.IsTrue(archive.AsSpan().SequenceEqual(model!.Archive));
    }

    [TestMethod]
    public void OtherTransformersHoldNoArchive()
    {
        ITransformer copy = Copy();
        Assert.IsFalse(PortableChain.TryFindModel(copy, out _));
        Assert.IsFalse(PortableChain.TryFindModel(new TransformerChain<ITransformer>(), out _));
        Assert.IsFalse(PortableChain.TryFindModel(new TransformerChain<ITransformer>(copy, copy), out _));
    }

    [TestMethod]
    public void LiveTransformersTakeThePlacesOfTheirChainsAtAnyDepth()
    {
        ITransformer before = Copy();
        ITransformer live = Copy();
        var chain = new TransformerChain<ITransformer>(before, new TransformerChain<ITransformer>(Build(9), before));
        var opened = new List<PortableModel>();

        ITransformer result = PortableChain.Rehydrate(chain, model =>
        {
            opened.Add(model);
            return live;
        });

        CollectionAssert.AreEqual(new byte[] { 9 }, opened.Single().Archive);
        ITransformer[] outer = ((TransformerChain<ITransformer>)result).ToArray();
        Assert.AreSame(before, outer[0]);
        CollectionAssert.AreEqual(new[] { live, before }, ((TransformerChain<ITransformer>)outer[1]).ToArray());
    }

    [TestMethod]
    public void AChainWithoutAModelIsReturnedAsItIs()
    {
        var chain = new TransformerChain<ITransformer>(Copy());
        Assert.AreSame(chain, PortableChain.Rehydrate(chain, _ => throw new InvalidOperationException()));
    }

    [TestMethod]
    public void AChainThatEndsInATypedTransformerIsSearchedToo()
    {
        TransformerChain<ITransformer> portable = Build(9);
        var typed = new TransformerChain<TransformerChain<ITransformer>>(Copy(), portable);

        var result = (TransformerChain<ITransformer>)PortableChain.Rehydrate(typed, _ => Copy());

        Assert.AreEqual(2, result.Count());
        Assert.IsFalse(result.Contains(portable));
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("not base64!")]
    public void ADamagedArchiveIsInvalidData(string base64)
        => Assert.ThrowsExactly<InvalidDataException>(() => PortableChain.Decode(base64));

    private static TransformerChain<ITransformer> Build(params byte[] archive) =>
        PortableChain.Build(archive, new ScoreColumns("Story", "LL", "Tokens", "PPL"));

    private static void AssertScores(IDataView scored, int factor)
    {
        CollectionAssert.AreEqual(_texts.Select(text => text.Length).ToArray(), scored.GetColumn<int>("Tokens").ToArray());
        CollectionAssert.AreEqual(_texts.Select(text => -(float)text.Length * factor).ToArray(), scored.GetColumn<float>("LL").ToArray());
        CollectionAssert.AreEqual(_texts.Select(_ => (float)factor).ToArray(), scored.GetColumn<float>("PPL").ToArray());
    }

    private static ITransformer SaveAndLoad(ITransformer transformer)
    {
        using var stream = new MemoryStream();
        new MLContext(seed: 1).Model.Save(transformer, new StringsView("Story", []).Schema, stream);
        stream.Position = 0;
        return new MLContext(seed: 2).Model.Load(stream, out _);
    }

    private ITransformer Copy() => _ml.Transforms.CopyColumns("Copy", "Story").Fit(new StringsView("Story", []));

    private sealed class Story
    {
        [ColumnName("Story")]
        public string Text { get; set; } = "";
    }

    private sealed class Scores
    {
        [ColumnName("LL")]
        public float LogLikelihood { get; set; }

        public int Tokens { get; set; }
    }
}
