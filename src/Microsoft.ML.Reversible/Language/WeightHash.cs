using System.Security.Cryptography;
using System.Text;
using Microsoft.ML.Reversible.Models;

namespace Microsoft.ML.Reversible.Language;

/// <summary>The hash of everything that decides a network's output.</summary>
internal static class WeightHash
{
    /// <summary>Returns the SHA-256 of shape, scheme, arithmetic, number type and weights, as 64 hexadecimal digits.</summary>
    public static string Of(LanguageNetwork network)
    {
        using var hash = SHA256.Create();
        using (var stream = new CryptoStream(Stream.Null, hash, CryptoStreamMode.Write))
        {
            string shape = LanguageTask.Describe(network.Configuration);
            stream.Write(Encoding.UTF8.GetBytes($"{shape}; {network.Stack.Scheme}; {network.Stack.Arithmetic}; {network.Compute}; "));
            WeightWriter.Write(stream, network, WeightPrecision.Float32);
        }
        return Convert.ToHexString(hash.Hash!);
    }
}
