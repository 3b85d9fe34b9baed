namespace Microsoft.ML.Runtime;

/// <summary>The one kind of environment: the root of a context and every host registered below it.</summary>
internal sealed class HostEnvironment : IHost
{
    private readonly Action<string, ChannelMessage> _listener;
    private readonly string _fullName;
    private readonly object _lock;
    private readonly Random _rand;

    private HostEnvironment(string fullName, Random rand, ComponentCatalog catalog, Action<string, ChannelMessage> listener,
        object randomLock)
    {
        _fullName = fullName;
        _rand = rand;
        _listener = listener;
        _lock = randomLock;
        ComponentCatalog = catalog;
    }

    public HostEnvironment(int? seed, Action<string, ChannelMessage> listener)
        : this(null, seed is { } value ? new Random(value) : new Random(), new ComponentCatalog(), listener, new object())
    {
    }

    public ComponentCatalog ComponentCatalog { get; }

    public Random Rand => _rand;

    public string ContextDescription => _fullName ?? "HostEnvironment";

    // A host's seed is drawn from its parent, so that a seeded context repeats for the same order of registrations.
    public IHost Register(string name, int? seed = null, bool? verbose = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        int drawn;
        lock (_lock)
            drawn = seed ?? _rand.Next();
        return new HostEnvironment(Below(name), new Random(drawn), ComponentCatalog, _listener, new object());
    }

    public IChannel Start(string name) => new Channel(Below(name), _listener);

    public IPipe<TMessage> StartPipe<TMessage>(string name)
    {
        if (typeof(TMessage) == typeof(ChannelMessage))
            return (IPipe<TMessage>)Start(name);
        return new UnheardPipe<TMessage>(Below(name));
    }

    public IProgressChannel StartProgressChannel(string name) => new UnreadProgressChannel();

    public TException Process<TException>(TException ex)
        where TException : Exception
        => Mark(ex, ContextDescription);

    internal static TException Mark<TException>(TException ex, string context)
        where TException : Exception
    {
        if (ex is not null && !ex.Data.Contains(ContextKey))
            ex.Data[ContextKey] = context;
        return ex;
    }

    private const string ContextKey = "Throwing component";

    private string Below(string name) => string.IsNullOrEmpty(_fullName) ? name : $"{_fullName}; {name}";

    private sealed class UnheardPipe<TMessage>(string fullName) : IPipe<TMessage>
    {
        public string ContextDescription => fullName;

        public TException Process<TException>(TException ex)
            where TException : Exception
            => Mark(ex, fullName);

        public void Send(TMessage msg)
        {
        }

        public void Dispose()
        {
        }
    }
}
