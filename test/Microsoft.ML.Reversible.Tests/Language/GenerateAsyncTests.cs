using System.Text;

namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class GenerateAsyncTests
{
    private static ReversibleLmTransformer _model = null!;
    private static ReversibleLmTransformer _unicode = null!;

    [ClassInitialize]
    public static void Train(TestContext _)
    {
        var ml = new MLContext(seed: 1);
        _model = Corpus.Train(ml, o => o.MaxSteps = 100);
        ReversibleLmTrainer.Options options = Corpus.QuickOptions;
        options.MaxSteps = 150;
        _unicode = ml.Reversible().LanguageModel(options).Fit(Corpus.View(ml, [.. Enumerable.Repeat("é漢🦊é漢🦊é漢🦊é漢🦊", 50)]));
    }

    [ClassCleanup]
    public static void Free()
    {
        _model.Dispose();
        _unicode.Dispose();
    }

    [TestMethod]
    public async Task ThePiecesAreTheContinuation()
    {
        var options = new GenerationOptions { MaxTokens = 40, Seed = 3, StopStrings = ["zz", "over t"] };
        List<string> pieces = await Pieces(_model, "the", options);
        Assert.AreEqual(_model.Generate("the", options), "the" + string.Concat(pieces));
        Assert.IsGreaterThan(3, pieces.Count);
        Assert.IsFalse(pieces.Any(string.IsNullOrEmpty));
    }

    [TestMethod]
    public async Task APieceHoldsWholeCharacters()
    {
        // 40 bytes end within a character, which then comes out as U+FFFD at the very end and nowhere else.
        List<string> pieces = await Pieces(_unicode, "é漢🦊", new GenerationOptions { MaxTokens = 40, Temperature = 0 });
        string text = string.Concat(pieces);
        StringAssert.StartsWith(text, "é漢🦊é漢🦊");
        Assert.IsFalse(string.Concat(pieces.SkipLast(1)).Contains('\uFFFD'));
        foreach (string piece in pieces) Assert.AreEqual(piece, new UTF8Encoding(false, true).GetString(Encoding.UTF8.GetBytes(piece)));
    }

    [TestMethod]
    public async Task AnEnumerationThatIsLeftEarlyLeavesNoTensors()
    {
        await Pieces(_model, "the", new() { MaxTokens = 2 });
        long before = TestModels.LiveTensors();
        await foreach (string _ in _model.GenerateAsync("the", new() { MaxTokens = 1000 })) break;
        _ = _model.GenerateAsync("the", new());
        Assert.AreEqual(before, TestModels.LiveTensors());
    }

    [TestMethod]
    public async Task CancellationEndsItBetweenTokensAndLeavesNoTensors()
    {
        long before = TestModels.LiveTensors();
        using var source = new CancellationTokenSource();
        int pieces = 0;
        await Assert.ThrowsExactlyAsync<OperationCanceledException>(async () =>
        {
            await foreach (string _ in _model.GenerateAsync("the", new() { MaxTokens = 1000 }).WithCancellation(source.Token))
                if (++pieces == 3) source.Cancel();
        });
        Assert.AreEqual(3, pieces);
        Assert.AreEqual(before, TestModels.LiveTensors());
    }

    [TestMethod]
    public void WhatIsWrongShowsInTheCall()
    {
        Assert.ThrowsExactly<ArgumentNullException>(() => _model.GenerateAsync(null!, new()));
        Assert.ThrowsExactly<ArgumentNullException>(() => _model.GenerateAsync("the", null!));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _model.GenerateAsync("the", new() { TopP = 2 }));
        Assert.ThrowsExactly<ArgumentException>(
            () => _model.GenerateAsync("the", new() { MaxTokens = 17, ContextOverflow = ContextOverflow.Refuse }));
    }

    [TestMethod]
    public async Task AModelDisposedMeanwhileSaysSo()
    {
        ReversibleLmTransformer model = Corpus.Train(new MLContext(seed: 1), o => o.MaxSteps = 1);
        await Assert.ThrowsExactlyAsync<ObjectDisposedException>(async () =>
        {
            await foreach (string _ in model.GenerateAsync("the", new() { MaxTokens = 1000 })) model.Dispose();
        });
    }

    private static async Task<List<string>> Pieces(ReversibleLmTransformer model, string prompt, GenerationOptions options)
    {
        List<string> pieces = [];
        await foreach (string piece in model.GenerateAsync(prompt, options)) pieces.Add(piece);
        return pieces;
    }
}
