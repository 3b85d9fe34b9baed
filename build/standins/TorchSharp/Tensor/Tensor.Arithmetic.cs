namespace TorchSharp;

public static partial class torch
{
    // Arithmetic element by element.
    public partial class Tensor
    {
        public Tensor add(Tensor target) => Made(Native.ts_add(Handle, target.Handle, Scalar.Of(1L)), this, target);
        public Tensor add(Tensor target, Scalar alpha) => Made(Native.ts_add(Handle, target.Handle, alpha.Value), this, target);
        public Tensor add(Scalar scalar) => Made(Native.ts_add_scalar(Handle, scalar.Value, Scalar.Of(1L)), this);
        public Tensor add(Scalar scalar, Scalar alpha) => Made(Native.ts_add_scalar(Handle, scalar.Value, alpha.Value), this);
        public Tensor add_(Tensor target) => Done(Native.ts_add_(Handle, target.Handle, Scalar.Of(1L)), target);
        public Tensor add_(Tensor target, Scalar alpha) => Done(Native.ts_add_(Handle, target.Handle, alpha.Value), target);
        public Tensor add_(Scalar scalar) => Done(Native.ts_add_scalar_(Handle, scalar.Value, Scalar.Of(1L)));
        public Tensor add_(Scalar scalar, Scalar alpha) => Done(Native.ts_add_scalar_(Handle, scalar.Value, alpha.Value));
        public Tensor sub(Tensor target) => Made(Native.ts_sub(Handle, target.Handle), this, target);
        public Tensor sub(Scalar target) => Made(Native.ts_sub_scalar(Handle, target.Value), this);
        public Tensor sub_(Tensor target) => Done(Native.ts_sub_(Handle, target.Handle), target);
        public Tensor sub_(Scalar target) => Done(Native.ts_sub_scalar_(Handle, target.Value));
        public Tensor mul(Tensor target) => Made(Native.ts_mul(Handle, target.Handle), this, target);
        public Tensor mul(Scalar target) => Made(Native.ts_mul_scalar(Handle, target.Value), this);
        public Tensor mul_(Tensor target) => Done(Native.ts_mul_(Handle, target.Handle), target);
        public Tensor mul_(Scalar target) => Done(Native.ts_mul_scalar_(Handle, target.Value));
        public Tensor div(Tensor target, RoundingMode rounding_mode = RoundingMode.None) =>
            Made(Native.ts_div(Handle, target.Handle, (int)rounding_mode), this, target);
        public Tensor div(Scalar target, RoundingMode rounding_mode = RoundingMode.None) =>
            Made(Native.ts_div_scalar(Handle, target.Value, (int)rounding_mode), this);
        public Tensor div_(Tensor target, RoundingMode rounding_mode = RoundingMode.None) =>
            Done(Native.ts_div_(Handle, target.Handle, (int)rounding_mode), target);
        public Tensor div_(Scalar target, RoundingMode rounding_mode = RoundingMode.None) =>
            Done(Native.ts_div_scalar_(Handle, target.Value, (int)rounding_mode));
        public Tensor pow(Tensor exponent) => Made(Native.ts_pow(Handle, exponent.Handle), this, exponent);
        public Tensor pow(Scalar exponent) => Made(Native.ts_pow_scalar(Handle, exponent.Value), this);
        public Tensor pow_(Tensor exponent) => Done(Native.ts_pow_(Handle, exponent.Handle), exponent);
        public Tensor pow_(Scalar exponent) => Done(Native.ts_pow_scalar_(Handle, exponent.Value));
        public Tensor fmod(Tensor target) => Made(Native.ts_fmod(Handle, target.Handle), this, target);
        public Tensor fmod(Scalar scalar) => Made(Native.ts_fmod_scalar(Handle, scalar.Value), this);
        public Tensor fmod_(Tensor target) => Done(Native.ts_fmod_(Handle, target.Handle), target);
        public Tensor fmod_(Scalar scalar) => Done(Native.ts_fmod_scalar_(Handle, scalar.Value));
        public Tensor remainder(Tensor target) => Made(Native.ts_remainder(Handle, target.Handle), this, target);
        public Tensor remainder(Scalar scalar) => Made(Native.ts_remainder_scalar(Handle, scalar.Value), this);
        public Tensor remainder_(Tensor target) => Done(Native.ts_remainder_(Handle, target.Handle), target);
        public Tensor remainder_(Scalar scalar) => Done(Native.ts_remainder_scalar_(Handle, scalar.Value));
        public Tensor floor_divide(Tensor other) => Made(Native.ts_floor_divide(Handle, other.Handle), this, other);
        public Tensor floor_divide(Scalar other) => Made(Native.ts_floor_divide_scalar(Handle, other.Value), this);
        public Tensor maximum(Tensor other) => Made(Native.ts_maximum(Handle, other.Handle), this, other);
        public Tensor minimum(Tensor other) => Made(Native.ts_minimum(Handle, other.Handle), this, other);
        public Tensor atan2(Tensor other) => Made(Native.ts_atan2(Handle, other.Handle), this, other);
        public Tensor max(Tensor other) => maximum(other);
        public Tensor min(Tensor other) => minimum(other);
        public Tensor clamp(Scalar min = null, Scalar max = null) => Made(Native.ts_clamp(Handle, Scalar.Of(min), Scalar.Of(max)), this);
        public Tensor clamp(Tensor min = null, Tensor max = null) =>
            Made(Native.ts_clamp_tensor(Handle, HandleOrNull(min), HandleOrNull(max)), this, min, max);
        public Tensor clamp_(Scalar min = null, Scalar max = null) => Done(Native.ts_clamp_(Handle, Scalar.Of(min), Scalar.Of(max)));
        public Tensor clamp_(Tensor min = null, Tensor max = null) =>
            Done(Native.ts_clamp_tensor_(Handle, HandleOrNull(min), HandleOrNull(max)), min, max);
        public Tensor clamp_min(Scalar min) => Made(Native.ts_clamp(Handle, min.Value, default), this);
        public Tensor clamp_max(Scalar max) => Made(Native.ts_clamp(Handle, default, max.Value), this);
        public Tensor clamp_min_(Scalar min) => Done(Native.ts_clamp_(Handle, min.Value, default));
        public Tensor clamp_max_(Scalar max) => Done(Native.ts_clamp_(Handle, default, max.Value));
        public Tensor lerp(Tensor end, Tensor weight) => Made(Native.ts_lerp(Handle, end.Handle, weight.Handle), this, end, weight);
        public Tensor lerp_(Tensor end, Tensor weight) => Done(Native.ts_lerp_(Handle, end.Handle, weight.Handle), end, weight);
        public Tensor addcmul(Tensor tensor1, Tensor tensor2, Scalar value) =>
            Made(Native.ts_addcmul(Handle, tensor1.Handle, tensor2.Handle, value.Value), this, tensor1, tensor2);
        public Tensor addcmul_(Tensor tensor1, Tensor tensor2, Scalar value) =>
            Done(Native.ts_addcmul_(Handle, tensor1.Handle, tensor2.Handle, value.Value), tensor1, tensor2);
        public Tensor addcdiv(Tensor tensor1, Tensor tensor2, Scalar value) =>
            Made(Native.ts_addcdiv(Handle, tensor1.Handle, tensor2.Handle, value.Value), this, tensor1, tensor2);
        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2, Scalar value) =>
            Done(Native.ts_addcdiv_(Handle, tensor1.Handle, tensor2.Handle, value.Value), tensor1, tensor2);
        public Tensor addcdiv(Tensor tensor1, Tensor tensor2) => addcdiv(tensor1, tensor2, 1);
        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2) => addcdiv_(tensor1, tensor2, 1);
        public Tensor bitwise_and(Tensor other) => Made(Native.ts_bitwise_and(Handle, other.Handle), this, other);
        public Tensor bitwise_and_(Tensor other) => Done(Native.ts_bitwise_and_(Handle, other.Handle), other);
        public Tensor bitwise_or(Tensor other) => Made(Native.ts_bitwise_or(Handle, other.Handle), this, other);
        public Tensor bitwise_or_(Tensor other) => Done(Native.ts_bitwise_or_(Handle, other.Handle), other);
        public Tensor bitwise_xor(Tensor other) => Made(Native.ts_bitwise_xor(Handle, other.Handle), this, other);
        public Tensor bitwise_xor_(Tensor other) => Done(Native.ts_bitwise_xor_(Handle, other.Handle), other);
        public Tensor bitwise_left_shift(Tensor other) => Made(Native.ts_bitwise_left_shift(Handle, other.Handle), this, other);
        public Tensor bitwise_left_shift_(Tensor other) => Done(Native.ts_bitwise_left_shift_(Handle, other.Handle), other);
        public Tensor bitwise_right_shift(Tensor other) => Made(Native.ts_bitwise_right_shift(Handle, other.Handle), this, other);
        public Tensor bitwise_right_shift_(Tensor other) => Done(Native.ts_bitwise_right_shift_(Handle, other.Handle), other);
        public Tensor bitwise_not() => Made(Native.ts_bitwise_not(Handle), this);
        public Tensor bitwise_not_() => Done(Native.ts_bitwise_not_(Handle));
    }
}
