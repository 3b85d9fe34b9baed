using System.Collections.Concurrent;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

public sealed class MLContext : IHostEnvironment
{
    private readonly HostEnvironment _env;
    private readonly ConcurrentDictionary<string, object> _options = new();

    public MLContext(int? seed = null)
    {
        _env = new HostEnvironment(seed, OnMessage);
        Data = new DataOperationsCatalog(_env);
        Model = new ModelOperationsCatalog(_env);
        Transforms = new TransformsCatalog(_env);
        BinaryClassification = new BinaryClassificationCatalog(_env);
        MulticlassClassification = new MulticlassClassificationCatalog(_env);
        Regression = new RegressionCatalog(_env);
    }

    public event EventHandler<LoggingEventArgs> Log;

    public BinaryClassificationCatalog BinaryClassification { get; }

    public MulticlassClassificationCatalog MulticlassClassification { get; }

    public RegressionCatalog Regression { get; }

    public TransformsCatalog Transforms { get; }

    public ModelOperationsCatalog Model { get; }

    public DataOperationsCatalog Data { get; }

    public ComponentCatalog ComponentCatalog => _env.ComponentCatalog;

    public string TempFilePath { get; set; } = Path.GetTempPath();

    public int? GpuDeviceId { get; set; }

    public bool FallbackToCpu { get; set; } = true;

    string IExceptionContext.ContextDescription => _env.ContextDescription;

    public void SetOption<T>(string name, T value) => _options[name] = value;

    public bool TryAddOption<T>(string name, T value) => _options.TryAdd(name, value);

    public bool TryGetOption<T>(string name, out T value)
    {
        if (_options.TryGetValue(name, out var found) && found is T typed)
        {
            value = typed;
            return true;
        }
        value = default;
        return false;
    }

    public T GetOptionOrDefault<T>(string name) => TryGetOption<T>(name, out var value) ? value : default;

    public bool RemoveOption(string name) => _options.TryRemove(name, out _);

    IHost IHostEnvironment.Register(string name, int? seed, bool? verbose) => _env.Register(name, seed, verbose);

    IChannel IChannelProvider.Start(string name) => _env.Start(name);

    IPipe<TMessage> IChannelProvider.StartPipe<TMessage>(string name) => _env.StartPipe<TMessage>(name);

    IProgressChannel IProgressChannelProvider.StartProgressChannel(string name) => _env.StartProgressChannel(name);

    TException IExceptionContext.Process<TException>(TException ex) => _env.Process(ex);

    private void OnMessage(string source, ChannelMessage message)
    {
        // Read once: a handler may leave while a message is on its way.
        if (Log is { } log)
            log(this, new LoggingEventArgs(message.Message, message.Kind, source));
    }
}
