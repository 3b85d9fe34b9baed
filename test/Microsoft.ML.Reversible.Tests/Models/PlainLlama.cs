namespace Microsoft.ML.Reversible.Tests.Models;

/// <summary>A residual Llama in plain float64 loops, written from the formulas: the reference for the library's Llama.</summary>
internal sealed class PlainLlama(LanguageNetwork model)
{
    private readonly Dictionary<string, double[]> _weights = model.Weights().ToDictionary(
        w => w.Name, w => w.View().contiguous().data<float>().Select(x => (double)x).ToArray());

    private LlamaConfiguration Shape => (LlamaConfiguration)model.Configuration;

    /// <summary>Logits of every position, row by row.</summary>
    public double[] Logits(long[] ids)
    {
        int width = Shape.Width;
        double[] embedding = _weights["model.embed_tokens.weight"];
        double[][] state = [.. ids.Select(id => embedding[(int)(id * width)..(int)((id + 1) * width)])];
        for (int layer = 0; layer < Shape.LayerCount; layer++)
        {
            string at = $"model.layers.{layer}.";
            double[][] attention = Attention(at, [.. state.Select(p => Norm(at + "input_layernorm", p))]);
            for (int t = 0; t < state.Length; t++)
            {
                double[] mixed = Add(state[t], attention[t]);
                state[t] = Add(mixed, Mlp(at, Norm(at + "post_attention_layernorm", mixed)));
            }
        }
        string head = Shape.TiedHead ? "model.embed_tokens" : "lm_head";
        return [.. state.SelectMany(p => Times(head, Norm("model.norm", p)))];
    }

    private double[][] Attention(string at, double[][] x)
    {
        int size = Shape.HeadSize, group = Shape.HeadCount / Shape.KeyValueHeads;
        double[][] queries = [.. x.Select((p, t) => Turn(Times(at + "self_attn.q_proj", p), t))];
        double[][] keys = [.. x.Select((p, t) => Turn(Times(at + "self_attn.k_proj", p), t))];
        double[][] values = [.. x.Select(p => Times(at + "self_attn.v_proj", p))];
        var mixed = x.Select(_ => new double[Shape.HeadCount * size]).ToArray();
        for (int head = 0; head < Shape.HeadCount; head++)
        {
            int q = head * size, k = head / group * size;
            for (int t = 0; t < x.Length; t++)
            {
                double[] scores =
                    [.. Enumerable.Range(0, t + 1)
                        .Select(s => Enumerable.Range(0, size).Sum(i => queries[t][q + i] * keys[s][k + i]) / Math.Sqrt(size))];
                double[] weights = [.. scores.Select(s => Math.Exp(s - scores.Max()))];
                for (int s = 0; s <= t; s++)
                    for (int i = 0; i < size; i++) mixed[t][q + i] += weights[s] / weights.Sum() * values[s][k + i];
            }
        }
        return [.. mixed.Select(p => Times(at + "self_attn.o_proj", p))];
    }

    /// <summary>Rotates the pair (i, i + d/2) of every head by t θ^(-2i/d).</summary>
    private double[] Turn(double[] x, int t)
    {
        int size = Shape.HeadSize, half = size / 2;
        var turned = new double[x.Length];
        for (int i = 0; i < x.Length; i++)
        {
            int within = i % size, pair = within % half;
            double angle = t * Math.Pow(Shape.RopeTheta, -2.0 * pair / size);
            double other = within < half ? -x[i + half] : x[i - half];
            turned[i] = x[i] * Math.Cos(angle) + other * Math.Sin(angle);
        }
        return turned;
    }

    private double[] Mlp(string at, double[] x)
    {
        double[] gate = Times(at + "mlp.gate_proj", x), up = Times(at + "mlp.up_proj", x);
        return Times(at + "mlp.down_proj", [.. gate.Zip(up, (g, u) => g / (1 + Math.Exp(-g)) * u)]);
    }

    private double[] Norm(string name, double[] x)
    {
        double scale = 1 / Math.Sqrt(x.Average(v => v * v) + Shape.NormEpsilon);
        return [.. x.Zip(_weights[name + ".weight"], (v, w) => v * scale * w)];
    }

    private double[] Times(string name, double[] x) =>
        [.. _weights[name + ".weight"].Chunk(x.Length).Select(row => row.Zip(x, (w, v) => w * v).Sum())];

    private static double[] Add(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];
}
