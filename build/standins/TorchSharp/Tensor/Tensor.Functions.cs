namespace TorchSharp;

public static partial class torch
{
    // Functions of each element.
    public partial class Tensor
    {
        public Tensor abs() => Made(Native.ts_abs(Handle), this);
        public Tensor neg() => Made(Native.ts_neg(Handle), this);
        public Tensor square() => Made(Native.ts_square(Handle), this);
        public Tensor sqrt() => Made(Native.ts_sqrt(Handle), this);
        public Tensor rsqrt() => Made(Native.ts_rsqrt(Handle), this);
        public Tensor exp() => Made(Native.ts_exp(Handle), this);
        public Tensor expm1() => Made(Native.ts_expm1(Handle), this);
        public Tensor log() => Made(Native.ts_log(Handle), this);
        public Tensor log1p() => Made(Native.ts_log1p(Handle), this);
        public Tensor log2() => Made(Native.ts_log2(Handle), this);
        public Tensor log10() => Made(Native.ts_log10(Handle), this);
        public Tensor sign() => Made(Native.ts_sign(Handle), this);
        public Tensor floor() => Made(Native.ts_floor(Handle), this);
        public Tensor ceil() => Made(Native.ts_ceil(Handle), this);
        public Tensor trunc() => Made(Native.ts_trunc(Handle), this);
        public Tensor frac() => Made(Native.ts_frac(Handle), this);
        public Tensor sin() => Made(Native.ts_sin(Handle), this);
        public Tensor cos() => Made(Native.ts_cos(Handle), this);
        public Tensor tan() => Made(Native.ts_tan(Handle), this);
        public Tensor atan() => Made(Native.ts_atan(Handle), this);
        public Tensor tanh() => Made(Native.ts_tanh(Handle), this);
        public Tensor sigmoid() => Made(Native.ts_sigmoid(Handle), this);
        public Tensor relu() => Made(Native.ts_relu(Handle), this);
        public Tensor erf() => Made(Native.ts_erf(Handle), this);
        public Tensor reciprocal() => Made(Native.ts_reciprocal(Handle), this);
        public Tensor gelu() => Made(Native.ts_gelu(Handle), this);
        public Tensor silu() => Made(Native.ts_silu(Handle), this);
        public Tensor negative() => neg();
        public Tensor round(long decimals = 0) =>
            decimals == 0 ? Made(Native.ts_round(Handle), this) : throw new ArgumentException("Only rounding to integers is known here.");
        public Tensor abs_() => Done(Native.ts_abs_(Handle));
        public Tensor neg_() => Done(Native.ts_neg_(Handle));
        public Tensor sqrt_() => Done(Native.ts_sqrt_(Handle));
        public Tensor rsqrt_() => Done(Native.ts_rsqrt_(Handle));
        public Tensor round_(long decimals = 0) =>
            decimals == 0 ? Done(Native.ts_round_(Handle)) : throw new ArgumentException("Only rounding to integers is known here.");
        public Tensor exp_() => Done(Native.ts_exp_(Handle));
        public Tensor log_() => Done(Native.ts_log_(Handle));
        public Tensor floor_() => Done(Native.ts_floor_(Handle));
        public Tensor ceil_() => Done(Native.ts_ceil_(Handle));
        public Tensor trunc_() => Done(Native.ts_trunc_(Handle));
        public Tensor tanh_() => Done(Native.ts_tanh_(Handle));
        public Tensor sigmoid_() => Done(Native.ts_sigmoid_(Handle));
        public Tensor relu_() => Done(Native.ts_relu_(Handle));
        public Tensor reciprocal_() => Done(Native.ts_reciprocal_(Handle));
        public Tensor gelu_() => Done(Native.ts_gelu_(Handle));
        public Tensor silu_() => Done(Native.ts_silu_(Handle));
        public Tensor zero_() => Done(Native.ts_zero_(Handle));
        public Tensor fill_(Scalar value) => Done(Native.ts_fill_scalar_(Handle, value.Value));
    }
}
