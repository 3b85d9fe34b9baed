using Microsoft.Extensions.AI;
using Microsoft.ML.Reversible.Tests.Training;

namespace Microsoft.ML.Reversible.Tests.Language;

/// <summary>Alone, since a listener hears every run of the process.</summary>
[TestClass]
[DoNotParallelize]
public sealed class GenerationInstrumentsTests
{
    private static readonly ReversibleLmTransformer _model = Corpus.Train(new MLContext(seed: 1), o => o.MaxSteps = 2);

    [ClassCleanup]
    public static void Free() => _model.Dispose();

    [TestMethod]
    public void RequestsTokensAndTheirTimeAreMeasured()
    {
        using var meters = new Meters("cpu");
        IReadOnlyList<int> ids = _model.GenerateIds([1, 2], new GenerationOptions { MaxTokens = 5 });
        Assert.AreEqual(1, meters.Sum("reversible.generation.requests"));
        Assert.IsGreaterThanOrEqualTo(ids.Count, meters.Sum("reversible.generation.tokens"));
        Assert.IsLessThanOrEqualTo(ids.Count + 1, meters.Sum("reversible.generation.tokens"));
        Assert.IsGreaterThan(0.0, meters.Of("reversible.generation.duration").Single().Value);
    }

    [TestMethod]
    public async Task AStreamIsOneRequest()
    {
        using var meters = new Meters("cpu");
        await foreach (string _ in _model.GenerateAsync("the", new GenerationOptions { MaxTokens = 5 }, TestContext.CancellationToken)) { }
        Assert.AreEqual(1, meters.Sum("reversible.generation.requests"));
        Assert.HasCount(1, meters.Of("reversible.generation.duration"));
    }

    [TestMethod]
    public void ACancelledRequestHasAnErrorType()
    {
        using var meters = new Meters("cpu");
        using var source = new CancellationTokenSource();
        using var run = new Microsoft.ML.Reversible.Language.GenerationRun(
            _model.Model, [Microsoft.ML.Reversible.Language.Prompt.Of(_model.Model, "the")], new GenerationOptions { MaxTokens = 5 });
        run.Advance();
        source.Cancel();
        Assert.ThrowsExactly<OperationCanceledException>(() => run.Complete(source.Token));
        run.Dispose();
        Assert.AreEqual(
            "System.OperationCanceledException", meters.Of("reversible.generation.requests").Single().Tags["error.type"]);
    }

    [TestMethod]
    public async Task ACancelledStreamHasAnErrorType()
    {
        using var meters = new Meters("cpu");
        using var source = new CancellationTokenSource();
        var options = new GenerationOptions { MaxTokens = 20 };
        await Assert.ThrowsExactlyAsync<OperationCanceledException>(async () =>
        {
            await foreach (string _ in _model.GenerateAsync("the", options, source.Token)) source.Cancel();
        });
        Assert.AreEqual(
            "System.OperationCanceledException", meters.Of("reversible.generation.requests").Single().Tags["error.type"]);
    }

    [TestMethod]
    public async Task ACancelledAnswerHasAnErrorType()
    {
        using var meters = new Meters("cpu");
        using var source = new CancellationTokenSource();
        ChatFormat plain = ChatFormat.Custom("plain", (turns, _) => [.. turns.Select(turn => ChatPiece.Content(turn.Content))]);
        using IChatClient client = _model.AsIChatClient(plain);
        await Assert.ThrowsExactlyAsync<OperationCanceledException>(async () =>
        {
            var options = new ChatOptions { MaxOutputTokens = 9, Seed = 1 };
            await foreach (ChatResponseUpdate _ in client.GetStreamingResponseAsync("the", options, source.Token)) source.Cancel();
        });
        Assert.AreEqual(
            "System.OperationCanceledException", meters.Of("reversible.generation.requests").Single().Tags["error.type"]);
    }

    public required TestContext TestContext { get; set; }
}
