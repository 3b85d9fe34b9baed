using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.ML.Reversible.Tests.FineTuning;

/// <summary>Tests the client inside a pipeline of Microsoft.Extensions.AI.</summary>
[TestClass]
public sealed class ChatClientPipelineTests
{
    private static ReversibleLmTransformer _model = null!;

    [ClassInitialize]
    public static void Train(TestContext _) => _model = ChatModel.Train();

    [ClassCleanup]
    public static void Free() => _model.Dispose();

    [TestMethod]
    public async Task ACacheAnswersTheSameConversationAgain()
    {
        int requests = 0;
        ChatFormat format = ChatFormat.Custom("counted", (turns, prompt) =>
        {
            requests++;
            return ChatFormat.Zephyr.Write(turns, prompt);
        });
        using IChatClient client = _model.AsIChatClient(format).AsBuilder()
            .UseDistributedCache(new MemoryDistributedCache(Options.Create(new MemoryDistributedCacheOptions())))
            .Build();
        ChatOptions hot = new() { Temperature = 3, MaxOutputTokens = 30 };
        ChatResponse first = await client.GetResponseAsync("ping", hot), second = await client.GetResponseAsync("ping", hot);
        Assert.AreEqual(1, requests);
        Assert.AreEqual((first.Text, first.Usage!.TotalTokenCount), (second.Text, second.Usage!.TotalTokenCount));
        List<ChatResponseUpdate> updates = [];
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync("ping", hot)) updates.Add(update);
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync("ping", hot)) Assert.IsNotNull(update);
        Assert.AreEqual(2, requests);
        Assert.IsNotNull(updates.ToChatResponse().FinishReason);
    }

    [TestMethod]
    public async Task LoggingOptionsAndServicesPassThrough()
    {
        using var log = new Journal();
        using IChatClient client = _model.AsIChatClient(ChatFormat.Zephyr).AsBuilder()
            .UseLogging(log)
            .ConfigureOptions(options => options.Temperature = 0)
            .Build();
        Assert.AreEqual(ChatModel.Answer, (await client.GetResponseAsync("ping")).Text);
        Assert.IsTrue(log.Lines.Any(line => line.Contains("GetResponseAsync", StringComparison.Ordinal)));
        Assert.AreSame(_model, client.GetService<ReversibleLmTransformer>());
        Assert.AreEqual("reversible", client.GetService<ChatClientMetadata>()!.ProviderName);
    }

    private sealed class Journal : ILoggerFactory, ILogger
    {
        public List<string> Lines { get; } = [];

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add(formatter(state, exception));

        public void Dispose()
        {
        }
    }
}
