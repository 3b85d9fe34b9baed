using Microsoft.Extensions.AI;
using Microsoft.ML.Reversible.FineTuning;

namespace Microsoft.ML.Reversible.Tests.FineTuning;

[TestClass]
public sealed class ChatClientTests
{
    private static readonly ChatOptions _greedy = new() { Temperature = 0 };

    private static ReversibleLmTransformer _model = null!;

    [ClassInitialize]
    public static void Train(TestContext _) => _model = ChatModel.Train();

    [ClassCleanup]
    public static void Free() => _model.Dispose();

    [TestMethod]
    public async Task AnAnswerEndsAtTheEndOfTheTurn()
    {
        ChatResponse response = await Client().GetResponseAsync("ping", _greedy);
        Assert.AreEqual(ChatModel.Answer, response.Text);
        Assert.AreEqual(ChatFinishReason.Stop, response.FinishReason);
        Assert.AreEqual(ChatRole.Assistant, response.Messages.Single().Role);
        int prompt = new ChatEncoder(_model.Model.Tokenizer, ChatFormat.Zephyr).EncodePrompt([new("user", "ping")]).Length;
        Assert.AreEqual((prompt, 4, prompt + 4),
            (response.Usage!.InputTokenCount, response.Usage.OutputTokenCount, response.Usage.TotalTokenCount));
        Assert.AreEqual("gpt2", response.ModelId);
        Assert.IsNull(response.AdditionalProperties);
    }

    [TestMethod]
    public async Task PiecesAreTheAnswer()
    {
        var options = new ChatOptions { Seed = 4, MaxOutputTokens = 20, Temperature = 1.5f };
        ChatResponse whole = await Client().GetResponseAsync("ping", options);
        List<ChatResponseUpdate> updates = [];
        await foreach (ChatResponseUpdate update in Client().GetStreamingResponseAsync("ping", options)) updates.Add(update);
        ChatResponse joined = updates.ToChatResponse();
        Assert.AreEqual((whole.Text, whole.FinishReason), (joined.Text, joined.FinishReason));
        Assert.AreEqual(whole.Usage!.TotalTokenCount, joined.Usage!.TotalTokenCount);
        Assert.IsGreaterThan(3, updates.Count);
        Assert.HasCount(1, updates.Select(update => update.ResponseId).Distinct().ToArray());
    }

    [TestMethod]
    public async Task MaxOutputTokensAndTheContextEndAnAnswer()
    {
        ChatResponse limited = await Client().GetResponseAsync("ping", new() { Temperature = 0, MaxOutputTokens = 2 });
        Assert.AreEqual(("po", ChatFinishReason.Length), (limited.Text, limited.FinishReason));
        ChatFormat endless = ChatFormat.Custom("endless", (_, _) => [ChatPiece.Content("\n<|user|>\nping\n<|assistant|>\np")]);
        ChatResponse filled = await Client(endless).GetResponseAsync("x", new() { Seed = 1, Temperature = 100, TopP = 1 });
        Assert.IsTrue(filled.Usage!.TotalTokenCount <= _model.Configuration.ContextLength);
        if (filled.FinishReason == ChatFinishReason.Length)
            Assert.AreEqual(_model.Configuration.ContextLength, filled.Usage.TotalTokenCount);
    }

    [TestMethod]
    public async Task AFormatsOwnTokensEndAnAnswer()
    {
        // Each id is the end of the turn in turn: the answer is then what comes before it.
        ChatFormat format = ChatFormat.Custom("end", (turns, prompt) => ChatFormat.Zephyr.Write(turns, prompt), ["<|endoftext|>"]);
        Assert.AreEqual(ChatModel.Answer, (await Client(format).GetResponseAsync("ping", _greedy)).Text);
    }

    [TestMethod]
    public async Task StopSequencesEndAnAnswer()
    {
        ChatResponse response = await Client().GetResponseAsync("ping", new() { Temperature = 0, StopSequences = ["n"] });
        Assert.AreEqual(("po", ChatFinishReason.Stop), (response.Text, response.FinishReason));
        await Assert.ThrowsExactlyAsync<ArgumentException>(() => Client().GetResponseAsync("ping", new() { StopSequences = [""] }));
    }

    [TestMethod]
    public async Task OptionsDecideTheDraws()
    {
        async Task<string> Text(ChatOptions options) => (await Client().GetResponseAsync("ping", options)).Text;
        ChatOptions Hot(long? seed) => new() { Temperature = 3, MaxOutputTokens = 30, Seed = seed };
        Assert.AreEqual(await Text(Hot(7)), await Text(Hot(7)));
        Assert.AreNotEqual(await Text(Hot(7)), await Text(Hot(8)));
        Assert.AreNotEqual(await Text(Hot(null)), await Text(Hot(null)));
        Assert.AreEqual(ChatModel.Answer, await Text(new() { Temperature = 3, TopK = 1 }));
        Assert.AreEqual(ChatModel.Answer, await Text(new() { Temperature = 3, TopP = 1e-6f, Seed = 5 }));
        // With a temperature of 0 nothing is drawn, and the other options change nothing.
        Assert.AreEqual(ChatModel.Answer, await Text(new() { Temperature = 0, TopK = 5, TopP = 0.5f, Seed = 5 }));
        var penalized = new GenerationOptions { Temperature = 0, RepetitionPenalty = 50 };
        Assert.AreNotEqual(ChatModel.Answer, await Text(new() { RawRepresentationFactory = _ => penalized }));
    }

    [TestMethod]
    public async Task InstructionsAreASystemTurn()
    {
        List<ChatTurn[]> seen = [];
        ChatFormat format = ChatFormat.Custom("seen", (turns, prompt) =>
        {
            seen.Add([.. turns]);
            return ChatFormat.Zephyr.Write(turns, prompt);
        });
        ChatOptions options = new() { Instructions = "Be.", Temperature = 0, MaxOutputTokens = 1 };
        await Client(format).GetResponseAsync("ping", options);
        await Client(format).GetResponseAsync([new(ChatRole.System, "Own."), new(ChatRole.User, "ping")], options);
        CollectionAssert.AreEqual(new ChatTurn[] { new("system", "Be."), new("user", "ping") }, seen[0]);
        CollectionAssert.AreEqual(new ChatTurn[] { new("system", "Be.\n\nOwn."), new("user", "ping") }, seen[1]);
    }

    [TestMethod]
    public async Task WhatCannotBeHonouredIsRefusedByName()
    {
        (string Name, ChatOptions Options)[] refused =
        [
            ("Tools", new() { Tools = [AIFunctionFactory.Create(() => 1, "f")] }),
            ("ToolMode", new() { ToolMode = ChatToolMode.RequireAny }),
            ("ResponseFormat", new() { ResponseFormat = ChatResponseFormat.Json }), ("FrequencyPenalty", new() { FrequencyPenalty = 0.5f }),
            ("PresencePenalty", new() { PresencePenalty = 1 }), ("ConversationId", new() { ConversationId = "x" }),
            ("ModelId", new() { ModelId = "other" }), ("RawRepresentationFactory", new() { RawRepresentationFactory = _ => "x" }),
            ("Reasoning", new() { Reasoning = new() { Effort = ReasoningEffort.High } }),
        ];
        foreach ((string name, ChatOptions options) in refused)
        {
            var e = await Assert.ThrowsExactlyAsync<NotSupportedException>(() => Client().GetResponseAsync("ping", options), name);
            StringAssert.Contains(e.Message, name);
            Assert.ThrowsExactly<NotSupportedException>(() => Client().GetStreamingResponseAsync("ping", options), name);
        }
        ChatOptions harmless = new()
        {
            Tools = [AIFunctionFactory.Create(() => 1, "f")], ToolMode = ChatToolMode.None, ResponseFormat = ChatResponseFormat.Text,
            FrequencyPenalty = 0, PresencePenalty = 0, ModelId = "gpt2", Temperature = 0,
        };
        Assert.AreEqual(ChatModel.Answer, (await Client().GetResponseAsync("ping", harmless)).Text);
    }

    [TestMethod]
    public async Task OptionsOutsideTheirRangeAreNamed()
    {
        (string Name, ChatOptions Options)[] refused =
        [
            ("MaxOutputTokens", new() { MaxOutputTokens = 0 }), ("Temperature", new() { Temperature = -1 }), ("TopK", new() { TopK = -1 }),
            ("TopP", new() { TopP = 0 }), ("Seed", new() { Seed = 1L << 40 }),
        ];
        foreach ((string name, ChatOptions options) in refused)
        {
            var e = await Assert.ThrowsExactlyAsync<ArgumentOutOfRangeException>(() => Client().GetResponseAsync("ping", options), name);
            StringAssert.StartsWith(e.Message, $"{name} must be");
        }
    }

    [TestMethod]
    public async Task MessagesThatAreNotTextOrOfOtherRolesAreRefused()
    {
        var picture = new ChatMessage(ChatRole.User, [new TextContent("see"), new DataContent(new byte[] { 1 }, "image/png")]);
        StringAssert.Contains(
            (await Assert.ThrowsExactlyAsync<NotSupportedException>(() => Client().GetResponseAsync([picture]))).Message, "DataContent");
        var tool = new ChatMessage(ChatRole.Tool, "42");
        StringAssert.Contains(
            (await Assert.ThrowsExactlyAsync<ArgumentException>(() => Client().GetResponseAsync([tool]))).Message, "'tool'");
        await Assert.ThrowsExactlyAsync<ArgumentException>(() => Client().GetResponseAsync([]));
        await Assert.ThrowsExactlyAsync<ArgumentException>(() => Client().GetResponseAsync([null!]));
        var parts = new ChatMessage(ChatRole.User, [new TextContent("pi"), new TextContent("ng")]);
        Assert.AreEqual(ChatModel.Answer, (await Client().GetResponseAsync([parts], _greedy)).Text);
    }

    [TestMethod]
    public async Task ALongConversationIsRefusedOrLosesItsOldestTurns()
    {
        ChatMessage[] messages =
        [
            new(ChatRole.System, "s"),
            .. Enumerable.Repeat((ChatMessage[])[new(ChatRole.User, "ping"), new(ChatRole.Assistant, "pong")], 4).SelectMany(pair => pair),
            new(ChatRole.User, "ping"),
        ];
        var e = await Assert.ThrowsExactlyAsync<ArgumentException>(() => Client().GetResponseAsync(messages, _greedy));
        StringAssert.Contains(e.Message, "set overflow to DropOldest");
        e = await Assert.ThrowsExactlyAsync<ArgumentException>(() => Client().GetResponseAsync("ping", new() { MaxOutputTokens = 90 }));
        StringAssert.Contains(e.Message, "MaxOutputTokens, which is 90");

        using IChatClient dropping = _model.AsIChatClient(ChatFormat.Zephyr, ChatOverflow.DropOldest);
        ChatResponse response = await dropping.GetResponseAsync(messages, _greedy);
        Assert.AreEqual(ChatModel.Answer, response.Text);
        int dropped = (int)response.AdditionalProperties!["DroppedTurns"]!;
        ChatTurn[] kept = [new("system", "s"), .. messages.Skip(1 + dropped).Select(m => new ChatTurn(m.Role.Value, m.Text))];
        Assert.AreEqual(0, dropped % 2);
        Assert.AreEqual(
            new ChatEncoder(_model.Model.Tokenizer, ChatFormat.Zephyr).EncodePrompt(kept).Length, response.Usage!.InputTokenCount);
        Assert.IsTrue(response.Usage.InputTokenCount <= 96 - 24);
        e = await Assert.ThrowsExactlyAsync<ArgumentException>(() => dropping.GetResponseAsync(new string('x', 200), _greedy));
        StringAssert.Contains(e.Message, "Shorten the conversation");
    }

    [TestMethod]
    public async Task AConversationOfWhichNothingCanBeLeftOutNeedsRoomForOneTokenOnly()
    {
        using IChatClient dropping = _model.AsIChatClient(ChatFormat.Zephyr, ChatOverflow.DropOldest);
        int context = _model.Configuration.ContextLength;
        foreach (int tokens in (int[])[context * 3 / 4, (context * 3 / 4) + 1, context * 7 / 8, context - 1])
        {
            string user = Enumerable.Range(1, 200).Select(length => new string('?', length)).First(text => Tokens(text) >= tokens);
            ChatResponse response = await dropping.GetResponseAsync(user, _greedy);
            Assert.AreEqual(tokens, response.Usage!.InputTokenCount);
            Assert.IsTrue(response.Usage.OutputTokenCount >= 1 && response.Usage.TotalTokenCount <= context);
            Assert.IsNull(response.AdditionalProperties);
            var asked = new ChatOptions { Temperature = 0, MaxOutputTokens = context - tokens + 1 };
            await Assert.ThrowsExactlyAsync<ArgumentException>(() => dropping.GetResponseAsync(user, asked));
        }

        static int Tokens(string text) =>
            new ChatEncoder(_model.Model.Tokenizer, ChatFormat.Zephyr).EncodePrompt([new("user", text)]).Length;
    }

    [TestMethod]
    public async Task CancellationEndsAnAnswerAndLeavesNoTensors()
    {
        await Client().GetResponseAsync("ping", _greedy);
        long before = TestModels.LiveTensors();
        using var cancel = new CancellationTokenSource();
        await Assert.ThrowsExactlyAsync<OperationCanceledException>(async () =>
        {
            ChatOptions hot = new() { Temperature = 3, Seed = 1 };
            await foreach (ChatResponseUpdate _ in Client().GetStreamingResponseAsync("ping", hot, cancel.Token)) cancel.Cancel();
        });
        await foreach (ChatResponseUpdate _ in Client().GetStreamingResponseAsync("ping", _greedy)) break;
        await Assert.ThrowsExactlyAsync<OperationCanceledException>(() => Client().GetResponseAsync("ping", _greedy, cancel.Token));
        Assert.AreEqual(before, TestModels.LiveTensors());
    }

    [TestMethod]
    public async Task SeveralRequestsAtOnceGetTheirOwnAnswers()
    {
        using IChatClient client = Client();
        ChatOptions Options(int seed) => new() { Temperature = 2, Seed = seed, MaxOutputTokens = 12 };
        string[] alone = new string[8];
        for (int i = 0; i < alone.Length; i++) alone[i] = (await client.GetResponseAsync("ping", Options(i))).Text;
        string[] together = await Task.WhenAll(alone.Select(async (_, i) => (await client.GetResponseAsync("ping", Options(i))).Text));
        CollectionAssert.AreEqual(alone, together);
    }

    [TestMethod]
    public void ServicesAreTheMetadataTheModelAndTheFormat()
    {
        using IChatClient client = _model.AsIChatClient(ChatFormat.Zephyr, modelId: "ping-pong");
        var metadata = client.GetService<ChatClientMetadata>()!;
        Assert.AreEqual(("reversible", "ping-pong"), (metadata.ProviderName, metadata.DefaultModelId));
        Assert.AreSame(_model, client.GetService<ReversibleLmTransformer>());
        Assert.AreSame(ChatFormat.Zephyr, client.GetService<ChatFormat>());
        Assert.AreSame(client, client.GetService<IChatClient>());
        Assert.IsNull(client.GetService<string>());
        Assert.IsNull(client.GetService(typeof(ChatFormat), "key"));
    }

    [TestMethod]
    public async Task OnlyAnOwnedModelIsDisposedOf()
    {
        Client().Dispose();
        Assert.IsNotNull(_model.Network);
        ReversibleLmTransformer own = Corpus.Train(new MLContext(seed: 1), o => (o.MaxSteps, o.ContextLength) = (2, 64));
        IChatClient client = own.AsIChatClient(ChatFormat.Zephyr, ownsModel: true);
        client.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => own.Network);
        await Assert.ThrowsExactlyAsync<ObjectDisposedException>(() => client.GetResponseAsync("ping"));
        Assert.ThrowsExactly<ObjectDisposedException>(() => own.AsIChatClient(ChatFormat.Zephyr));
    }

    [TestMethod]
    public void AClientNeedsAFormatThatFitsTheTokenizer()
    {
        Assert.ThrowsExactly<NotSupportedException>(() => _model.AsIChatClient());
        Assert.ThrowsExactly<ArgumentException>(() => _model.AsIChatClient(ChatFormat.ChatMl));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _model.AsIChatClient(ChatFormat.Zephyr, (ChatOverflow)9));
    }

    private static IChatClient Client(ChatFormat? format = null) => _model.AsIChatClient(format ?? ChatFormat.Zephyr);
}
