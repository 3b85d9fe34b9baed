using Microsoft.ML.Reversible.Text;

namespace Microsoft.ML.Reversible.Models;

/// <summary>A network and the tokenizer that it was trained with; owns the network.</summary>
internal sealed class LanguageModel(LanguageNetwork network, LanguageModelTokenizer tokenizer) : IDisposable
{
    private bool _disposed;

    public LanguageNetwork Network => network;

    public LanguageModelTokenizer Tokenizer => tokenizer;

    /// <exception cref="ObjectDisposedException">The network is gone; asking native memory for it would say less.</exception>
    public void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed, typeof(ReversibleLmTransformer));

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        network.Dispose();
    }
}
