using Microsoft.ML.Reversible.Text;

namespace Microsoft.ML.Reversible.Models;

/// <summary>A network and the tokenizer that it was trained with; owns the network.</summary>
internal sealed record LanguageModel(GptModel Network, LanguageModelTokenizer Tokenizer) : IDisposable
{
    public void Dispose() => Network.Dispose();
}
