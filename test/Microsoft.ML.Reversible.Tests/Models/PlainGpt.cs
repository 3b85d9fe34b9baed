namespace Microsoft.ML.Reversible.Tests.Models;

/// <summary>A residual GPT in plain float64 loops, written from the formulas: the reference for the library's GPT.</summary>
internal sealed class PlainGpt(LanguageNetwork model)
{
    private readonly Dictionary<string, double[]> _weights =
        model.Weights().ToDictionary(
            w => w.Name.Replace("transformer.", ""),
            w => w.Parameter.detach().data<float>().Select(x => (double)x).ToArray());

    private GptConfiguration Shape => (GptConfiguration)model.Configuration;

    /// <summary>Logits of every position, row by row.</summary>
    public double[] Logits(long[] ids)
    {
        int width = Shape.Width;
        double[][] state = [.. ids.Select((id, at) => Enumerable.Range(0, width)
            .Select(i => _weights["wte.weight"][id * width + i] + _weights["wpe.weight"][at * width + i]).ToArray())];
        for (int layer = 0; layer < Shape.LayerCount; layer++)
        {
            string at = $"h.{layer}.";
            double[][] attention = Attention(at, [.. state.Select(p => Norm(at + "ln_1", p))]);
            for (int t = 0; t < state.Length; t++)
            {
                double[] mixed = Add(state[t], attention[t]);
                state[t] = Add(mixed, Mlp(at, Norm(at + "ln_2", mixed)));
            }
        }
        return [.. state.SelectMany(p => Times("wte.weight", Norm("ln_f", p), Shape.VocabularySize))];
    }

    private double[][] Attention(string at, double[][] x)
    {
        int width = Shape.Width, size = width / Shape.HeadCount;
        double[][] qkv = [.. x.Select(p => Linear(at + "attn.c_attn", p, 3 * width))];
        var mixed = x.Select(_ => new double[width]).ToArray();
        for (int head = 0; head < Shape.HeadCount; head++)
        {
            for (int t = 0; t < x.Length; t++)
            {
                int q = head * size, k = width + q, v = 2 * width + q;
                double[] scores =
                    [.. Enumerable.Range(0, t + 1)
                        .Select(s => Enumerable.Range(0, size).Sum(i => qkv[t][q + i] * qkv[s][k + i]) / Math.Sqrt(size))];
                double[] weights = [.. scores.Select(s => Math.Exp(s - scores.Max()))];
                for (int s = 0; s <= t; s++)
                    for (int i = 0; i < size; i++) mixed[t][q + i] += weights[s] / weights.Sum() * qkv[s][v + i];
            }
        }
        return [.. mixed.Select(p => Linear(at + "attn.c_proj", p, width))];
    }

    private double[] Mlp(string at, double[] x) =>
        Linear(at + "mlp.c_proj", [.. Linear(at + "mlp.c_fc", x, Shape.HiddenWidth).Select(Activate)], Shape.Width);

    private double Activate(double x) => Shape.Activation switch
    {
        Activation.Relu => Math.Max(0, x),
        Activation.GeluTanh => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))),
        _ => 0.5 * x * (1 + Erf(x / Math.Sqrt(2))),
    };

    /// <summary>Computes the error function by its Taylor series, which is exact enough for the small arguments of a new model.</summary>
    private static double Erf(double x)
    {
        double term = x, sum = x;
        for (int n = 1; n < 60; n++)
        {
            term *= -x * x / n;
            sum += term / (2 * n + 1);
        }
        return 2 / Math.Sqrt(Math.PI) * sum;
    }

    private double[] Norm(string name, double[] x)
    {
        double mean = x.Average(), variance = x.Select(v => (v - mean) * (v - mean)).Average();
        return [.. x.Select((v, i) =>
            (v - mean) / Math.Sqrt(variance + Shape.NormEpsilon)
            * _weights[name + ".weight"][i] + _weights[name + ".bias"][i])];
    }

    private double[] Linear(string name, double[] x, int outputs) => Add(Times(name + ".weight", x, outputs), _weights[name + ".bias"]);

    private double[] Times(string name, double[] x, int outputs) =>
        [.. Enumerable.Range(0, outputs).Select(o => x.Select((v, i) => v * _weights[name][o * x.Length + i]).Sum())];

    private static double[] Add(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];
}
